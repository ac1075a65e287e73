import { LifeboatError } from '../../core/errors.ts'
import type { PostgresBinaries } from '../../postgres/binaries.ts'
import { invalidCombination, invalidValue, unsupported } from './faults.ts'

/** The PostgreSQL versions that a region can run: those whose binaries are on this machine. */
export class EngineVersions {
  /** @param all  newest major first, at least one */
  constructor(readonly all: readonly PostgresBinaries[]) {}

  /**
   * The binaries for a version that was asked for, a major (`18`) or exactly (`18.4`); the newest for none, or an empty one, which
   * Terraform sends.
   *
   * Unlike AWS: of each major there is one minor version, that of the binaries.
   *
   * @throws RdsFault `InvalidParameterCombination` that lists what is there
   */
  choose(asked: string | undefined): PostgresBinaries {
    const found = this.all.find(
      ({ major, version }) => !asked || asked === version || asked === String(major),
    )
    if (found) return found
    const there = this.all.map(({ version }) => version).join(', ')
    throw invalidCombination(
      `Cannot find version ${asked} for postgres. Versions in this region: ${there}`,
    )
  }

  /** The binaries that data of a major version needs. @throws LifeboatError `PostgresMissing` */
  get(major: number): PostgresBinaries {
    const found = this.all.find((one) => one.major === major)
    if (found) return found
    throw new LifeboatError('PostgresMissing', `PostgreSQL ${major} is not on this machine`, {
      hint: 'Install it again, or name its folder in LIFEBOAT_PG_BIN.',
    })
  }
}

/** @throws RdsFault `UnsupportedOperation` for engines of RDS that are not here, `InvalidParameterValue` */
export function checkEngine(engine: string): void {
  if (engine === 'postgres') return
  if (/^(aurora|mysql|mariadb|oracle|sqlserver|db2|custom|neptune|docdb)/.test(engine)) {
    throw unsupported(`The engine ${engine}`)
  }
  throw invalidValue(`Invalid DB engine: ${engine}`)
}

export function parameterGroupFamily(major: number): string {
  return `postgres${major}`
}
