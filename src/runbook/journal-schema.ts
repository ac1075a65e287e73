/** The journal's tables. The list only grows; see `StateDatabase.migrate`. */
export const JOURNAL_MIGRATIONS = [
  `
  -- Processes that execute. On one machine a process is looked for; from elsewhere only its heartbeat is heard.
  create table runbook.executors (
    id             text primary key,
    host           text not null,
    machine        text not null,
    pid            int not null,
    started_ticks  bigint not null,
    heartbeat_at   timestamptz not null default clock_timestamp()
  );

  create table runbook.executions (
    id            text primary key,
    runbook       text not null,
    input         json not null,
    owns          text,
    auto_approve  text[] not null,
    executor      text references runbook.executors,
    is_paused     boolean not null default false,
    cancel        json,
    outcome       text,
    started_at    timestamptz not null,
    ended_at      timestamptz,
    version       bigint not null default 1,
    check ((ended_at is null) = (outcome is null))
  );
  -- One execution owns a workload (I9).
  create unique index one_execution_owns_a_workload on runbook.executions (owns) where ended_at is null;

  create table runbook.steps (
    execution        text not null references runbook.executions,
    position         int not null,
    name             text not null,
    title            text not null,
    phase            text not null,
    gate_kind        text,
    status           text not null default 'notStarted',
    output           json,
    reason           text,
    progress         json,
    completed_order  int,
    undo             text,
    primary key (execution, name)
  );

  create table runbook.gates (
    execution    text not null,
    step         text not null,
    cost         json not null,
    asked_at     timestamptz not null,
    approved_at  timestamptz,
    approved_by  text,
    primary key (execution, step),
    foreign key (execution, step) references runbook.steps
  );

  -- A row is there before anything of the attempt happens; without an end it is running, or was when its process died.
  create table runbook.attempts (
    execution   text not null,
    step        text not null,
    purpose     text not null,
    number      int not null,
    started_at  timestamptz not null,
    ended_at    timestamptz,
    error       json,
    primary key (execution, step, purpose, number),
    foreign key (execution, step) references runbook.steps
  );

  create table runbook.events (
    id         bigint generated always as identity primary key,
    execution  text not null references runbook.executions,
    at         timestamptz not null,
    kind       text not null,
    step       text,
    text       text not null
  );
  create index events_of_execution on runbook.events (execution, id);
  `,
  `
  -- How the execution came to its lock, where Lifeboats on several machines share one; see execution-lock.ts.
  alter table runbook.executions add column lock json;
  `,
  `
  -- Why what a step reaches stays unknown although it ends well.
  alter table runbook.steps add column unproven text;
  `,
  `
  -- Tells this journal from that of another machine, which may have the same execution.
  create table runbook.identity (id text primary key default gen_random_uuid()::text);
  insert into runbook.identity default values;
  `,
]
