import { noUndo, runbook } from '../../runbook/runbook.ts'
import { checkedPlan } from '../plan-rules.ts'
import type { RecoveryTools } from './data-corruption/tools.ts'
import { away, perhaps } from './needs.ts'
import {
  boundLoss,
  boundLossByHand,
  costOfPromoting,
  refuseLossBeyond,
} from './region-failure/bound-loss.ts'
import type { FailoverFacts } from './region-failure/by-hand.ts'
import { confirm, confirmByHand } from './region-failure/confirm.ts'
import { documentByHand, documentFailover } from './region-failure/document.ts'
import { drainPrimary, drainPrimaryByHand } from './region-failure/drain-primary.ts'
import { planFailback, planFailbackByHand } from './region-failure/failback-plan.ts'
import { fenceByHand, fencePrimary, unfencePrimary } from './region-failure/fence-primary.ts'
import { leaveNothingHalfDone } from './region-failure/leave-nothing-half-done.ts'
import { moveDns, moveDnsByHand } from './region-failure/move-dns.ts'
import { moveSecrets, moveSecretsByHand } from './region-failure/move-secrets.ts'
import { costOfFailingOver, pinDns, pinDnsByHand, unpinDns } from './region-failure/pin-dns.ts'
import { promote, promoteByHand } from './region-failure/promote.ts'
import {
  armByHand,
  armRecovered,
  countLossByHand,
  countLostThere,
  protectByHand,
  untilProtected,
} from './region-failure/protect-recovered.ts'
import { checkReadiness, readinessByHand } from './region-failure/readiness.ts'
import { scaleServices, scaleServicesByHand } from './region-failure/scale-services.ts'
import { endTrials } from './region-failure/task-trial.ts'
import type { RegionFailure } from './region-failure/tools.ts'
import { verifyWrite, verifyWriteByHand } from './region-failure/verify-write.ts'

const HOURS = 4 * 3600

/**
 * A region that is lost: the workload comes up in the recovery region, and customers follow once a write was seen to succeed there.
 *
 *   confirm ─ readiness ─ pin-dns ─ fence ─ bound-loss ─ promote ┬ secrets ─ services ─ verify ─ dns ┬ count-loss ────┐
 *                       (harm gate)                   (one-way)  │                                   └ drain-primary ─┤
 *                                                                ├ arm ─ protect ─────────────────────────────────────┼ document
 *                                                                └ plan-failback ─────────────────────────────────────┘
 */
const plan = runbook<RegionFailure, RecoveryTools, FailoverFacts>('region-failure', {
  title: 'Fail over to the recovery region',
  description:
    'Brings the workload up in its other region, with nothing of the lost one, says what is lost before it is, and proves it.',
})
  .step('confirm', {
    title: 'Confirm by independent witnesses that the region is lost',
    after: [],
    phase: 'decide',
    needs: [
      perhaps('sql', 'primary', 'data', 'what does not answer is a sign'),
      perhaps('rds', 'primary', 'control', 'what does not answer is a sign'),
      perhaps('route53', 'global', 'control', 'its checkers are no witness'),
      away('sql', 'data'),
      away('sts'),
    ],
    deadlineSeconds: 120,
    onDeadline: 'ask',
    run: ({ input, tools, signal, progress }) => confirm(input, tools, { signal, progress }),
    undo: ({ input, tools, execution }) => endTrials(input, tools, execution.id),
    byHand: confirmByHand,
  })
  .step('readiness', {
    title: 'Try what the recovery region must be able to do',
    phase: 'decide',
    needs: [
      away('rds'),
      away('secretsmanager', 'data'),
      away('sql', 'data'),
      away('ecs'),
      perhaps('ecs', 'primary', 'control', 'as many tasks as the workload file says, or one'),
      perhaps('route53', 'global', 'control', 'the address that the workload file says'),
    ],
    deadlineSeconds: 300,
    onDeadline: 'ask',
    run: ({ input, tools, execution, signal, progress }) =>
      checkReadiness(input, tools, { execution: execution.id, signal, progress }),
    undo: ({ input, output, tools, execution }) =>
      leaveNothingHalfDone(input, output, tools, execution.id),
    byHand: readinessByHand,
  })
  .step('pin-dns', {
    title: 'Keep the public name where it is until the database takes writes',
    phase: 'execute',
    needs: [perhaps('route53', 'global', 'control', 'a gated record stays by itself')],
    gate: {
      kind: 'harm',
      cost: async ({ input, done }) => costOfFailingOver(input, done.confirm, done.readiness),
    },
    deadlineSeconds: 120,
    onDeadline: 'ask',
    run: ({ done, tools }) => pinDns(done.readiness, tools),
    undo: async ({ done, output, tools }) => {
      // Route 53 may be as dead as it was.
      if (output.isByCheck) await unpinDns(done.readiness, tools)
    },
    byHand: pinDnsByHand,
  })
  .step('fence', {
    title: 'Stop writes to the old database, as surely as can be',
    phase: 'execute',
    needs: [
      away('secretsmanager', 'data'),
      perhaps('sql', 'primary', 'data', 'the fence is not proven'),
      perhaps('ecs', 'primary', 'control', 'the fence is not proven'),
    ],
    deadlineSeconds: 120,
    onDeadline: 'ask',
    run: ({ input, done, tools, execution }) =>
      fencePrimary(input, done.readiness.grants, tools, execution.id),
    undo: ({ input, done, output, tools, execution }) =>
      unfencePrimary(input, done.readiness.grants, output, tools, execution.id),
    byHand: fenceByHand,
  })
  .step('bound-loss', {
    title: 'Measure what would be lost',
    phase: 'verify',
    needs: [away('rds'), away('sql', 'data'), away('s3', 'data')],
    deadlineSeconds: 600,
    onDeadline: 'ask',
    run: async ({ input, done, tools, signal }) => {
      const bound = await boundLoss(input, done.readiness, done.fence, tools, signal)
      refuseLossBeyond(input, bound)
      return bound
    },
    undo: noUndo('it only reads'),
    byHand: boundLossByHand,
  })
  .step('promote', {
    title: 'Make the database of the recovery region take writes',
    phase: 'execute',
    needs: [away('rds'), away('sql', 'data')],
    gate: {
      kind: 'oneWay',
      cost: async ({ input, done, tools, signal }) => {
        // Anew, because it may have grown since it was measured.
        const bound = await boundLoss(input, done.readiness, done.fence, tools, signal)
        return costOfPromoting(input, done.readiness, done.fence, bound, tools)
      },
    },
    deadlineSeconds: HOURS,
    onDeadline: 'ask',
    run: ({ input, done, tools, execution, signal, progress }) =>
      promote(input, done.readiness, { bound: done['bound-loss'], fenced: done.fence }, tools, {
        execution: execution.id,
        signal,
        progress,
      }),
    undo: noUndo('a promoted database cannot follow again: there is only forward'),
    byHand: promoteByHand,
  })
  .step('arm', {
    title: 'Turn on backups and protection from deletion',
    phase: 'execute',
    needs: [away('rds')],
    deadlineSeconds: 3600,
    onDeadline: 'ask',
    run: ({ input, done, tools, signal }) => armRecovered(input, done.promote, tools, signal),
    undo: noUndo('protection is never taken back'),
    byHand: armByHand,
  })
  .step('secrets', {
    title: 'Point the secrets of the recovery region to its database',
    after: ['promote'],
    phase: 'execute',
    needs: [away('secretsmanager'), away('sql', 'data')],
    deadlineSeconds: 300,
    onDeadline: 'ask',
    run: ({ input, done, tools, execution }) =>
      moveSecrets(input, done.promote, tools, execution.id),
    undo: noUndo('there is only forward after the promotion'),
    byHand: moveSecretsByHand,
  })
  .step('services', {
    title: 'Bring the services to their size',
    phase: 'execute',
    needs: [away('ecs')],
    deadlineSeconds: 1800,
    onDeadline: 'ask',
    run: ({ input, done, tools, signal }) => scaleServices(input, done.readiness, tools, signal),
    undo: noUndo('there is only forward after the promotion'),
    byHand: scaleServicesByHand,
  })
  .step('verify', {
    title: 'Write in the recovery region as a customer does',
    phase: 'verify',
    needs: [away('http', 'data'), away('sql', 'data')],
    deadlineSeconds: 600,
    onDeadline: 'ask',
    run: ({ input, done, tools, execution, signal, progress }) =>
      verifyWrite(input, done.readiness, done.promote, tools, {
        startedAt: execution.startedAt,
        signal,
        progress,
      }),
    undo: noUndo('there is only forward after the promotion'),
    byHand: verifyWriteByHand,
  })
  .step('dns', {
    title: 'Lead customers to the recovery region',
    phase: 'execute',
    needs: [
      perhaps(
        'route53',
        'global',
        'control',
        'a record that hangs on health checks moves by itself',
      ),
      { api: 'dns', where: 'global', plane: 'data' },
    ],
    deadlineSeconds: 900,
    onDeadline: 'ask',
    run: ({ input, done, tools, execution, signal, progress }) =>
      moveDns(input, done.readiness, done.verify.verifiedAt, tools, {
        execution: execution.id,
        signal,
        progress,
      }),
    undo: noUndo('customers are there: only a failback leads them home'),
    byHand: moveDnsByHand,
  })
  .step('count-loss', {
    title: 'Count acknowledged writes that are gone',
    phase: 'verify',
    needs: [away('sql', 'data'), away('s3', 'data')],
    deadlineSeconds: 3600,
    onDeadline: 'ask',
    run: ({ input, done, tools }) => countLostThere(input, done.promote, tools),
    undo: noUndo('it only reads'),
    byHand: countLossByHand,
  })
  .step('drain-primary', {
    title: 'Stop what the old region still serves',
    after: ['dns'],
    phase: 'execute',
    needs: [perhaps('ecs', 'primary', 'control', 'open connections to the old region stay there')],
    deadlineSeconds: 120,
    onDeadline: 'ask',
    run: ({ input, tools }) => drainPrimary(input, tools),
    undo: noUndo('only a failback leads customers home'),
    byHand: drainPrimaryByHand,
  })
  .step('plan-failback', {
    title: 'Plan the way home',
    after: ['promote'],
    phase: 'decide',
    needs: [away('sql', 'data')],
    deadlineSeconds: 300,
    onDeadline: 'ask',
    run: ({ input, done, tools }) => planFailback(input, done.promote, done.fence, tools),
    undo: noUndo('it only reads'),
    byHand: planFailbackByHand,
  })
  .step('protect', {
    title: 'Wait until the new database is protected itself',
    after: ['arm'],
    phase: 'execute',
    needs: [away('rds')],
    deadlineSeconds: 7200,
    onDeadline: 'ask',
    run: ({ input, done, tools, signal, progress }) =>
      untilProtected(input, done.promote, tools, { signal, progress }),
    undo: noUndo('protection is never taken back'),
    byHand: protectByHand,
  })
  .step('document', {
    title: 'Write the incident document',
    after: ['count-loss', 'drain-primary', 'protect', 'plan-failback'],
    phase: 'execute',
    needs: [],
    deadlineSeconds: 300,
    onDeadline: 'ask',
    run: ({ input, done, tools, execution }) =>
      documentFailover(input, { ...done }, tools, execution.id),
    undo: noUndo('it only writes a file'),
    byHand: documentByHand,
  })
  .build()

export const regionFailure = checkedPlan(plan)
