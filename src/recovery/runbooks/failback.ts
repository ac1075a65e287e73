import { noUndo, runbook } from '../../runbook/runbook.ts'
import { checkedPlan } from '../plan-rules.ts'
import { removeInstance } from './data-corruption/restore.ts'
import type { RecoveryTools } from './data-corruption/tools.ts'
import { documentFailback } from './failback/document.ts'
import {
  backfillHome,
  findRulesHome,
  switchRulesAway,
  turnRulesAway,
  turnRulesHome,
} from './failback/object-rules.ts'
import { objectsHome, objectsHomeUntilClose } from './failback/objects-home.ts'
import { exportDivergence, quarantine } from './failback/quarantine.ts'
import { pointHomeSecret, readyAtHome, seed, unseed } from './failback/seed.ts'
import { standbyAgain } from './failback/standby-again.ts'
import {
  allowAway,
  catchUp,
  countLostAtHome,
  proveNothingLost,
  stopAway,
} from './failback/switchover.ts'
import { type Failback, mirrored, mirroredTools } from './failback/tools.ts'
import { isHalfDone } from './half-done.ts'
import { atHome, away } from './needs.ts'
import { moveDns } from './region-failure/move-dns.ts'
import { moveSecrets } from './region-failure/move-secrets.ts'
import { unpinDns } from './region-failure/pin-dns.ts'
import { promote } from './region-failure/promote.ts'
import { armRecovered, untilProtected } from './region-failure/protect-recovered.ts'
import { scaleServices } from './region-failure/scale-services.ts'
import { tried } from './region-failure/tools.ts'
import { verifyWrite } from './region-failure/verify-write.ts'

const HOURS = 4 * 3600
const DAY = 24 * 3600

/**
 * A workload that had to leave comes home, and loses nothing on the way: the old database is kept, what only it has is written
 * out, a new one is made beside it, and customers move when that has every write.
 *
 *   quarantine ┬ salvage ────────────────────────────────────────────────────────────────────────────────────────────────────────────────┐
 *              └ point-secret ┬ seed ─ catch-up ──────────────────────── ┬ stop-writes ─ last-objects ─ prove ─ promote ┬ secrets, rules-away ─ services ─ verify ─ dns ─ count-loss ─ standby ┼ document
 *                             └ find-rules ─ rules ─ replicate ─ objects ┘ (harm gate)                      (one-way)   └ arm ─ protect ───────────────────────────────┘
 */
const plan = runbook<Failback, RecoveryTools>('failback', {
  title: 'Come home to the region that was lost',
  description:
    'Keeps the old database and writes out what only it has, makes a new one beside it, and moves customers home without losing a write.',
})
  .step('quarantine', {
    title: 'Fence the old database before anything else, and keep it',
    after: [],
    phase: 'execute',
    needs: [atHome('rds'), atHome('ecs'), atHome('sql', 'data')],
    deadlineSeconds: 1200,
    onDeadline: 'ask',
    run: ({ input, tools, signal, progress }) => quarantine(input, tools, { signal, progress }),
    undo: noUndo('an old database that takes writes would be a second one'),
  })
  .step('salvage', {
    title: 'Write out what only the old database has',
    phase: 'verify',
    needs: [atHome('sql', 'data'), away('sql', 'data')],
    deadlineSeconds: HOURS,
    onDeadline: 'ask',
    run: ({ input, done, tools, execution, signal, progress }) =>
      exportDivergence(input, done.quarantine, tools, {
        execution: execution.id,
        signal,
        progress,
      }),
    undo: noUndo('it only writes files'),
  })
  .step('point-secret', {
    title: 'Point the secret at home to the database where it is now',
    after: ['quarantine'],
    phase: 'execute',
    needs: [atHome('secretsmanager'), away('rds')],
    deadlineSeconds: 300,
    onDeadline: 'ask',
    run: ({ input, tools, execution }) => pointHomeSecret(input, tools, execution.id),
    // What it says is true and stays.
    undo: async ({ input, tools, execution, signal }) => {
      if (await isHalfDone('seed', tools, execution.id))
        await unseed(input, tools, execution.id, signal)
    },
  })
  .step('seed', {
    title: 'Make a read replica at home',
    phase: 'execute',
    needs: [atHome('rds'), away('rds')],
    deadlineSeconds: DAY,
    onDeadline: 'ask',
    run: ({ input, done, tools, execution, signal, progress }) =>
      seed(input, done.quarantine, tools, { execution: execution.id, signal, progress }),
    undo: ({ output, tools, signal }) => removeInstance(output.arn, tools, signal),
  })
  .step('catch-up', {
    title: 'Let it catch up, while customers go on',
    phase: 'execute',
    needs: [atHome('sql', 'data'), away('sql', 'data')],
    deadlineSeconds: DAY,
    onDeadline: 'ask',
    run: ({ input, done, tools, signal, progress }) =>
      catchUp(input, done.seed, tools, { signal, progress }),
    undo: async ({ input, output, tools, execution }) => {
      if (!(await isHalfDone('stop-writes', tools, execution.id))) return
      await allowAway(input, output, null, tools, execution.id)
    },
  })
  .step('find-rules', {
    title: 'See whether S3 can bring the objects home',
    after: ['point-secret'],
    phase: 'execute',
    needs: [away('s3')],
    deadlineSeconds: 300,
    onDeadline: 'ask',
    run: async ({ input, tools }) => ({ home: await findRulesHome(input, tools) }),
    undo: async ({ input, output, tools, execution }) => {
      if (!(await isHalfDone('rules', tools, execution.id))) return
      await turnRulesAway(input, output.home, tools)
    },
  })
  .step('rules', {
    title: 'Turn the replication round: what comes home is not carried away again',
    phase: 'execute',
    needs: [atHome('s3'), away('s3')],
    deadlineSeconds: 300,
    onDeadline: 'ask',
    run: ({ input, done, tools }) => turnRulesHome(input, done['find-rules'].home, tools),
    undo: async ({ input, done, tools }) => {
      await turnRulesAway(input, done['find-rules'].home, tools)
    },
  })
  .step('replicate', {
    title: 'Replicate home what was written meanwhile',
    phase: 'execute',
    needs: [away('s3')],
    deadlineSeconds: DAY,
    onDeadline: 'ask',
    run: async ({ input, done, tools, execution, signal, progress }) => ({
      buckets: await backfillHome(input, done['find-rules'].home, tools, {
        execution: execution.id,
        signal,
        progress,
      }),
    }),
    undo: noUndo('no version is destroyed, and nobody reads them yet'),
  })
  .step('objects', {
    title: 'Bring home what S3 does not, while customers go on',
    phase: 'execute',
    needs: [atHome('s3', 'data'), away('s3', 'data')],
    deadlineSeconds: DAY,
    onDeadline: 'ask',
    run: ({ input, tools, execution, signal, progress }) =>
      objectsHomeUntilClose(input, tools, { execution: execution.id, signal, progress }),
    undo: noUndo('no version is destroyed, and nobody reads them yet'),
  })
  .step('stop-writes', {
    title: 'Stop writes where the workload is now',
    after: ['catch-up', 'objects', 'salvage'],
    phase: 'execute',
    needs: [away('ecs'), away('sql', 'data')],
    gate: {
      kind: 'harm',
      cost: async ({ done }) => [
        'Customers wait from here on until the workload is home: seconds, if all goes well.',
        `The replica at home is ${Math.ceil(done['catch-up'].behindBytes / 1024)} KiB behind.`,
        ...(done.objects.coming > 0
          ? [`${done.objects.coming} objects are still on their way home; customers wait for them.`]
          : []),
        'If it does not get every write, writes are allowed again where they were.',
      ],
    },
    deadlineSeconds: 600,
    onDeadline: 'ask',
    run: ({ input, done, tools, execution, signal }) =>
      stopAway(input, done['catch-up'], tools, { execution: execution.id, signal }),
    undo: ({ input, done, output, tools, execution }) =>
      allowAway(input, done['catch-up'], output, tools, execution.id),
  })
  .step('last-objects', {
    title: 'Bring the last objects home',
    phase: 'execute',
    needs: [atHome('s3', 'data'), away('s3', 'data')],
    deadlineSeconds: 3600,
    onDeadline: 'ask',
    run: ({ input, tools, execution, signal, progress }) =>
      objectsHome(input, tools, { execution: execution.id, signal, progress }),
    undo: noUndo('no version is destroyed, and nobody reads them yet'),
  })
  .step('prove', {
    title: 'Prove that the replica at home has every write',
    phase: 'verify',
    needs: [atHome('sql', 'data'), away('sql', 'data')],
    deadlineSeconds: 600,
    onDeadline: 'ask',
    run: ({ input, done, tools, signal }) =>
      proveNothingLost(input, done.seed, done['stop-writes'], tools, signal),
    undo: noUndo('it only reads'),
  })
  .step('promote', {
    title: 'Make the database at home take writes',
    phase: 'execute',
    needs: [atHome('rds'), atHome('sql', 'data')],
    gate: {
      kind: 'oneWay',
      cost: async ({ done }) => [
        `'${done.seed.instance}' becomes the database; there is no way back after this.`,
        `Lost: nothing (${done.prove.explanation}).`,
      ],
    },
    deadlineSeconds: 3600,
    onDeadline: 'ask',
    run: async ({ input, done, tools, execution, signal, progress }) =>
      promote(
        mirrored(input, done.seed.instance),
        readyAtHome(input, done.seed),
        { bound: done.prove, fenced: done['stop-writes'] },
        await mirroredTools(tools, input),
        { execution: execution.id, signal, progress },
      ),
    undo: noUndo('a promoted database cannot follow again: there is only forward'),
  })
  .step('arm', {
    title: 'Turn on backups and protection from deletion',
    phase: 'execute',
    needs: [atHome('rds')],
    deadlineSeconds: 3600,
    onDeadline: 'ask',
    run: async ({ input, done, tools, signal }) =>
      armRecovered(mirrored(input), done.promote, await mirroredTools(tools, input), signal),
    undo: noUndo('protection is never taken back'),
  })
  .step('secrets', {
    title: 'Point the secret to the database at home',
    after: ['promote'],
    phase: 'execute',
    needs: [atHome('secretsmanager'), atHome('sql', 'data')],
    deadlineSeconds: 300,
    onDeadline: 'ask',
    run: async ({ input, done, tools, execution }) =>
      moveSecrets(mirrored(input), done.promote, await mirroredTools(tools, input), execution.id),
    undo: noUndo('there is only forward after the promotion'),
  })
  .step('rules-away', {
    title: 'Replicate away again what is written at home',
    after: ['promote'],
    phase: 'execute',
    needs: [atHome('s3')],
    deadlineSeconds: 60,
    onDeadline: 'ask',
    // With the other region dead S3 may refuse a rule that leads there: no reason to keep customers waiting.
    run: async ({ input, tools }) => {
      const turned = await tried(tools, () => switchRulesAway(input, tools, true), 15_000)
      return 'answer' in turned
        ? { rules: turned.answer, fault: null }
        : { rules: 0, fault: turned.failure }
    },
    undo: noUndo('protection is never taken back'),
  })
  .step('services', {
    title: 'Start the services at home',
    after: ['secrets', 'rules-away'],
    phase: 'execute',
    needs: [atHome('ecs')],
    deadlineSeconds: 1800,
    onDeadline: 'ask',
    run: async ({ input, done, tools, signal }) =>
      scaleServices(
        mirrored(input),
        readyAtHome(input, done.seed),
        await mirroredTools(tools, input),
        signal,
      ),
    undo: noUndo('there is only forward after the promotion'),
  })
  .step('verify', {
    title: 'Write at home as a customer does',
    phase: 'verify',
    needs: [atHome('http', 'data'), atHome('sql', 'data')],
    deadlineSeconds: 600,
    onDeadline: 'ask',
    run: async ({ input, done, tools, execution, signal, progress }) =>
      verifyWrite(
        mirrored(input),
        readyAtHome(input, done.seed),
        done.promote,
        await mirroredTools(tools, input),
        { startedAt: execution.startedAt, signal, progress },
      ),
    undo: noUndo('there is only forward after the promotion'),
  })
  .step('dns', {
    title: 'Lead customers home, and let the health check decide again',
    phase: 'execute',
    needs: [
      { api: 'route53', where: 'global', plane: 'control' },
      { api: 'dns', where: 'global', plane: 'data' },
    ],
    deadlineSeconds: 900,
    onDeadline: 'ask',
    run: async ({ input, done, tools, execution, signal, progress }) => {
      const ready = readyAtHome(input, done.seed)
      const moved = await moveDns(
        mirrored(input),
        ready,
        done.verify.verifiedAt,
        await mirroredTools(tools, input),
        { execution: execution.id, signal, progress },
      )
      await unpinDns(ready, tools)
      return moved
    },
    undo: noUndo('customers are at home'),
  })
  .step('count-loss', {
    title: 'Count acknowledged writes that are gone',
    phase: 'verify',
    needs: [atHome('sql', 'data'), atHome('s3', 'data')],
    deadlineSeconds: 3600,
    onDeadline: 'ask',
    run: ({ input, done, tools }) => countLostAtHome(input, done.promote, tools),
    undo: noUndo('it only reads'),
  })
  .step('standby', {
    title: 'Make the recovery region what it was',
    // AWS replicates nothing of an instance that has no backups.
    after: ['dns', 'arm'],
    phase: 'execute',
    needs: [
      atHome('rds'),
      away('rds'),
      away('ecs'),
      away('secretsmanager'),
      atHome('s3'),
      away('s3'),
    ],
    deadlineSeconds: DAY,
    onDeadline: 'ask',
    run: ({ input, done, tools, execution, signal, progress }) =>
      standbyAgain(input, { home: done.promote, foundRules: done['find-rules'].home }, tools, {
        execution: execution.id,
        signal,
        progress,
      }),
    undo: noUndo('protection is never taken back'),
  })
  .step('protect', {
    title: 'Wait until the database at home is protected itself',
    after: ['arm'],
    phase: 'execute',
    needs: [atHome('rds')],
    deadlineSeconds: 7200,
    onDeadline: 'ask',
    run: async ({ input, done, tools, signal, progress }) =>
      untilProtected(mirrored(input), done.promote, await mirroredTools(tools, input), {
        signal,
        progress,
      }),
    undo: noUndo('protection is never taken back'),
  })
  .step('document', {
    title: 'Write the document of the way home',
    after: ['count-loss', 'standby', 'protect'],
    phase: 'execute',
    needs: [],
    deadlineSeconds: 300,
    onDeadline: 'ask',
    run: ({ input, done, tools, execution }) =>
      documentFailback(input, { ...done }, tools, execution.id),
    undo: noUndo('it only writes a file'),
  })
  .build()

export const failback = checkedPlan(plan)
