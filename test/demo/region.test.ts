import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { STRATEGIES } from '../../src/recovery/workload-schema.ts'
import { lifeboat, temporaryFolder } from '../cli/lifeboat.ts'

const isAll = process.env.LIFEBOAT_STRATEGIES === 'all'
const why = isAll ? '' : ' (skipped: needs LIFEBOAT_STRATEGIES=all)'

describe.skipIf(!isAll)(`lifeboat demo region, by every strategy${why}`, () => {
  test.each(STRATEGIES)(
    '%s: what is lost is what was said',
    async (strategy) => {
      const folder = temporaryFolder()
      try {
        const args = ['demo', 'region', '--json', '--strategy', strategy]
        const { code, stdout, stderr } = await lifeboat(args, {
          environment: { TMPDIR: folder.path },
          withinMs: 900_000,
        })
        expect(stderr).not.toMatch(/^(error|left behind):/m)
        expect(code).toBe(0)
        const report = JSON.parse(stdout)
        const { recoveryTime, dataLoss, announcedLoss } = report
        console.log(
          `${strategy}: recovery time ${recoveryTime.totalSeconds} s, of it ${recoveryTime.fromApprovalSeconds} s from the last approval, ${dataLoss.writes} of ${dataLoss.acknowledged} writes lost, ${dataLoss.oldestSeconds} s`,
        )
        expect(report).toMatchObject({ verdict: 'proven', isProtected: true, world: 'embedded' })
        if (announcedLoss.writes !== null) expect(dataLoss.writes).toBe(announcedLoss.writes)
        expect(dataLoss.oldestSeconds).toBeLessThanOrEqual(announcedLoss.seconds)
        const { failback } = report
        expect(failback).toMatchObject({ verdict: 'proven', dataLoss: { writes: 0 } })
        const again =
          strategy === 'backup-and-restore' ? 'the replicated backups' : 'the read replica'
        expect(readFileSync(failback.incidentFile, 'utf8')).toContain(
          `- In us-east-1 there is again: ${again}`,
        )
      } finally {
        folder.remove()
      }
    },
    960_000,
  )
})
