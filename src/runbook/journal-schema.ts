/** The journal's tables. The list only grows; see `StateDatabase.migrate`. */
export const JOURNAL_MIGRATIONS = [
  `
  create table lifeboat_runbook.executions (
    id            text primary key,
    runbook       text not null,
    input         jsonb not null,
    owns          text,
    auto_approve  text[] not null,
    is_paused     boolean not null default false,
    canceled_by   text,
    final_status  text,
    started_at    timestamptz not null default clock_timestamp(),
    ended_at      timestamptz,
    holder        text not null,
    heartbeat_at  timestamptz not null default clock_timestamp()
  );
  -- One execution owns a workload (I9).
  create unique index one_owner on lifeboat_runbook.executions (owns) where ended_at is null;

  create table lifeboat_runbook.steps (
    execution  text not null references lifeboat_runbook.executions,
    position   int not null,
    name       text not null,
    title      text not null,
    phase      text not null,
    status     text not null default 'notStarted',
    gate       jsonb,
    output     jsonb,
    reason     text,
    progress   jsonb,
    tries      int not null default 0,
    decision   jsonb,
    ended_at   timestamptz,
    primary key (execution, name)
  );

  create table lifeboat_runbook.attempts (
    id          bigint generated always as identity primary key,
    execution   text not null,
    step        text not null,
    started_at  timestamptz not null default clock_timestamp(),
    ended_at    timestamptz,
    error       jsonb,
    foreign key (execution, step) references lifeboat_runbook.steps (execution, name)
  );

  create table lifeboat_runbook.events (
    id         bigint generated always as identity primary key,
    execution  text not null references lifeboat_runbook.executions,
    at         timestamptz not null default clock_timestamp(),
    kind       text not null,
    step       text,
    text       text not null
  );
  create index on lifeboat_runbook.events (execution, id);
  `,
]
