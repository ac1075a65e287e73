import { access, readFile } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { LineCounter, parseDocument } from 'yaml'
import { parseDuration } from '../core/duration.ts'
import { LifeboatError } from '../core/errors.ts'
import { targetOf } from './notifications/target.ts'
import { ownStepOf } from './own-steps/own-step.ts'
import { witnessOf } from './witnesses/witness.ts'
import type { Workload } from './workload.ts'
import { contradictions, invalid, mistakesOf } from './workload-mistakes.ts'
import { offsetOf } from './workload-place.ts'
import { type WorkloadSource, workloadSchema } from './workload-schema.ts'

export { workloadJsonSchema } from './workload-schema.ts'

/** @throws LifeboatError `WorkloadFileNotFound`, `WorkloadFileInvalid` naming every mistake with its place */
export async function readWorkload(path: string): Promise<Workload> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw new LifeboatError('WorkloadFileNotFound', `there is no workload file '${path}'`, {
      hint: 'Name it with --workload, or write one: see schema/lifeboat.schema.json.',
      cause: error,
    })
  }
  const workload = withFolder(parseWorkload(text, basename(path)), resolve(dirname(path)))
  const { certificates } = workload.database
  if (certificates === undefined) return workload
  const found = await findCertificates(resolve(dirname(path), certificates), text, basename(path))
  return { ...workload, database: { ...workload.database, certificates: found } }
}

/** Commands of the user's own steps run where the file is. */
function withFolder(workload: Workload, folder: string): Workload {
  const { steps } = workload
  return steps ? { ...workload, steps: steps.map((step) => ({ ...step, folder })) } : workload
}

async function findCertificates(path: string, text: string, file: string): Promise<string> {
  try {
    await access(path)
    return path
  } catch {
    const lines = new LineCounter()
    const document = parseDocument(text, { lineCounter: lines })
    const mistake = {
      offset: offsetOf(document, ['database', 'certificates']),
      message: `database.certificates: '${path}' cannot be read`,
      hint: 'Name a PEM file, beside this one or by its whole path. AWS publishes one for each region.',
    }
    throw invalid(file, lines, [mistake])
  }
}

/**
 * @param file  the name that mistakes are reported under
 * @throws LifeboatError `WorkloadFileInvalid`; one line a mistake, in the order of the file
 */
export function parseWorkload(text: string, file = 'lifeboat.yaml'): Workload {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  if (document.errors.length > 0) {
    const mistakes = document.errors.map((error) => ({
      offset: error.pos[0],
      message: error.message.replace(/\.$/, ''),
    }))
    throw invalid(file, lines, mistakes)
  }
  const data: unknown = document.toJS() ?? {}
  const result = workloadSchema.safeParse(data, { reportInput: true })
  const mistakes = result.success
    ? contradictions(document, result.data)
    : result.error.issues.flatMap((issue) => mistakesOf(document, issue))
  if (mistakes.length > 0) throw invalid(file, lines, mistakes)
  return toWorkload(result.data!)
}

function toWorkload(source: WorkloadSource): Workload {
  const { database, http, tables, lock, notifications, steps } = source
  return {
    name: source.workload,
    objectives: {
      rtoSeconds: parseDuration(source.objectives.rto),
      rpoSeconds: parseDuration(source.objectives.rpo),
    },
    region: source.regions.primary,
    ...(source.regions.recovery && { recoveryRegion: source.regions.recovery }),
    database: {
      instance: database.instance,
      secret: database.secret,
      adminSecret: database.admin ?? database.secret,
      ...(database.standby && { standby: database.standby }),
      ...(database.certificates && { certificates: database.certificates }),
    },
    strategy: source.strategy ?? (database.standby ? 'warm-standby' : 'backup-and-restore'),
    services: (source.services ?? []).map(({ cluster, service, tasks }) => ({
      cluster,
      service,
      ...(tasks !== undefined && { tasks }),
    })),
    ...(source.publicName && {
      publicName: {
        name: source.publicName.name,
        ...(source.publicName.zone && { zone: source.publicName.zone }),
        ...(source.publicName.recovery && { recovery: source.publicName.recovery }),
      },
    }),
    buckets: (source.buckets ?? []).map(({ bucket, prefixes, replica, references = [] }) => ({
      bucket,
      prefixes: prefixes ?? [''],
      ...(replica && {
        replica: {
          bucket: replica.bucket,
          region: replica.region ?? source.regions.recovery ?? '',
        },
      }),
      references: references.map(({ name, sql, every }) => ({
        name,
        sql,
        everySeconds: parseDuration(every),
      })),
    })),
    checks: source.checks.map((check) => ({
      name: check.name,
      sql: check.sql,
      expect: check.expect,
      everySeconds: parseDuration(check.every),
      timeoutSeconds: parseDuration(check.timeout),
    })),
    ...(http && {
      http: {
        url: http.url,
        method: http.method,
        timeoutSeconds: parseDuration(http.timeout),
        ...(http.body !== undefined && { body: http.body }),
      },
    }),
    ...(tables && { tables: tables.map(withSchema) }),
    ignore: (source.ignore ?? []).map(withSchema),
    ...(source.contacts && { contacts: source.contacts }),
    ...(steps && { steps: steps.map(ownStepOf) }),
    ...(notifications && { notifications: notifications.map(targetOf) }),
    ...(source.witnesses && { witnesses: source.witnesses.map(witnessOf) }),
    ...(lock && {
      lock: {
        bucket: lock.bucket,
        region: lock.region ?? source.regions.recovery ?? source.regions.primary,
        prefix: lock.prefix ?? 'lifeboat/locks/',
      },
    }),
  }
}

const withSchema = (table: string) => (table.includes('.') ? table : `public.${table}`)
