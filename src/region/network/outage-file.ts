import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { LifeboatError } from '../../core/errors.ts'
import { readIfThere, writeDurably } from '../../postgres/storage/durable-file.ts'
import { NO_OUTAGES, type Outages } from './outages.ts'

/** The outages of a home as they were declared, durable. @throws LifeboatError `StateDamaged` */
export async function readOutages(home: string): Promise<Outages> {
  const file = fileOf(home)
  const bytes = await readIfThere(file)
  if (!bytes) return NO_OUTAGES
  try {
    return { ...NO_OUTAGES, ...(JSON.parse(bytes.toString()) as Outages) }
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    throw new LifeboatError('StateDamaged', `'${file}' is not what was written there`, {
      hint: 'Remove it: then no outage is declared.',
      cause,
    })
  }
}

/** Durable when it resolves. @throws LifeboatError `DiskFull`, `FolderNotUsable` */
export async function writeOutages(home: string, outages: Outages): Promise<void> {
  await mkdir(join(home, 'gateway'), { recursive: true, mode: 0o711 })
  await writeDurably(fileOf(home), `${JSON.stringify(outages, null, 2)}\n`)
}

function fileOf(home: string): string {
  return join(home, 'gateway', 'outages.json')
}
