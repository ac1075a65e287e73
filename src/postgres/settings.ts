import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { assert } from '../core/assert.ts'
import { LifeboatError } from '../core/errors.ts'
import type { PostgresBinaries } from './binaries.ts'
import { giveTo, type ServerAccount } from './server-account.ts'

const SETTINGS_FILE = 'lifeboat.conf'

/** What every cluster of ours runs with; the caller's settings come after and win. */
function ownSettings({ major }: PostgresBinaries, port: number): Record<string, string> {
  return {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    password_encryption: 'scram-sha-256',
    huge_pages: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    wal_level: 'replica',
    // For 15 standbys and the archive.
    max_wal_senders: '20',
    max_replication_slots: '20',
    hot_standby: 'on',
    // A restore lays tablespaces into the data directory itself; recovery would refuse to find folders there.
    allow_in_place_tablespaces: 'on',
    // Which blocks changed since a base backup, kept by the server: what makes an incremental one cheap.
    ...(major >= 17 ? { summarize_wal: 'on' } : {}),
  }
}

/**
 * Writes all of a cluster's configuration anew. Nothing that stood there before is trusted: a restored data
 * directory brings files that belong to the past or to somebody else.
 */
export async function writeConfiguration(o: {
  dataDirectory: string
  binaries: PostgresBinaries
  port: number
  settings: Readonly<Record<string, string>>
  account: ServerAccount | undefined
}): Promise<void> {
  assert(!('port' in o.settings), 'the port of a cluster is not one of its settings')
  const lines = Object.entries({ ...ownSettings(o.binaries, o.port), ...o.settings }).map(
    ([name, value]) => settingLine(name, value),
  )
  const files: Record<string, string> = {
    [SETTINGS_FILE]: [firstLine(o.dataDirectory), ...lines].join(''),
    'postgresql.conf': `include '${SETTINGS_FILE}'\n`,
    'postgresql.auto.conf': '',
    'pg_hba.conf': ['all', 'replication']
      .map((database) => `host ${database} all 127.0.0.1/32 scram-sha-256\n`)
      .join(''),
  }
  for (const [name, text] of Object.entries(files)) {
    const path = join(o.dataDirectory, name)
    await writeFile(`${path}.new`, text, { mode: 0o600, flush: true })
    await giveTo(`${path}.new`, o.account)
    await rename(`${path}.new`, path)
  }
}

/**
 * The port that was chosen for the cluster in this folder before; undefined when the settings file came here with
 * a restore, because then the port is another cluster's.
 */
export async function configuredPort(dataDirectory: string): Promise<number | undefined> {
  try {
    const text = await readFile(join(dataDirectory, SETTINGS_FILE), 'utf8')
    if (!text.startsWith(firstLine(dataDirectory))) return undefined
    const port = /^port = '(\d+)'$/m.exec(text)?.[1]
    return port === undefined ? undefined : Number(port)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function firstLine(dataDirectory: string): string {
  return `# Written by Lifeboat for ${JSON.stringify(dataDirectory)}. Changes here are lost.\n`
}

/** Source: PostgreSQL manual, "Parameter Interaction via the Configuration File"; guc.c, GUC_scanstr. */
function settingLine(name: string, value: string): string {
  if (!/^[a-z_][\w]*(\.[a-z_][\w$]*)?$/i.test(name) || /[\n\r\0]/.test(value)) {
    throw new LifeboatError('InvalidUsage', `'${name}' cannot be set to ${JSON.stringify(value)}`, {
      hint: 'Use the names and values of the PostgreSQL manual, on one line.',
    })
  }
  return `${name} = '${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'\n`
}
