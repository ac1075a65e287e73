import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
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
    max_wal_senders: '10',
    max_replication_slots: '10',
    hot_standby: 'on',
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
  const lines = Object.entries({ ...ownSettings(o.binaries, o.port), ...o.settings }).map(
    ([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`,
  )
  const files: Record<string, string> = {
    [SETTINGS_FILE]: lines.join(''),
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

/** The port in a cluster's settings file, if it has one. */
export async function configuredPort(dataDirectory: string): Promise<number | undefined> {
  try {
    const text = await readFile(join(dataDirectory, SETTINGS_FILE), 'utf8')
    const port = /^port = '(\d+)'$/m.exec(text)?.[1]
    return port === undefined ? undefined : Number(port)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
