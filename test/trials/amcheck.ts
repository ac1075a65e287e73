import { execFile } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findPostgresBinaries } from '../../src/postgres/binaries.ts'
import { Cluster } from '../../src/postgres/cluster.ts'
import { giveTo, serverAccount } from '../../src/postgres/server-account.ts'

const run = promisify(execFile)

/** Debian's, of any version: it works against newer servers. Undefined where it is not installed. */
export function findAmcheck(): string | undefined {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).sort() : []
  return versions
    .map((version) => join(debian, version, 'bin', 'pg_amcheck'))
    .findLast((program) => existsSync(program))
}

/**
 * Checks every table and index of a data directory that nobody uses, also of a server that was killed, on a copy that
 * recovers first. Only a superuser may install the extension, and its password is the region's secret: the copy
 * asks nobody for one.
 *
 * @returns what pg_amcheck complains about; empty when all is well
 */
export async function amcheck(
  program: string,
  dataDirectory: string,
  { binaries, superuser }: { binaries: string; superuser: string },
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lifeboat-amcheck-'))
  await chmod(folder, 0o711)
  const copy = join(folder, 'data')
  const trust = join(folder, 'pg_hba.conf')
  await run('cp', ['-a', dataDirectory, copy])
  await rm(join(copy, 'postmaster.pid'), { force: true })
  await writeFile(trust, 'host all all 127.0.0.1/32 trust\n')
  await giveTo(trust, serverAccount())
  const [installed] = await findPostgresBinaries({ cache: binaries })
  const cluster = await Cluster.open({
    dataDirectory: copy,
    binaries: installed!,
    superuser: { name: superuser, password: '' },
    settings: { hba_file: trust },
  })
  try {
    await cluster.start()
    const target = ['-h', '127.0.0.1', '-p', `${cluster.port}`, '-U', superuser]
    const checks = ['--install-missing', '--heapallindexed', '--parent-check', '--all']
    const { stdout, stderr } = await run(program, [...target, ...checks]).catch(
      (failed: { stdout: string; stderr: string }) => failed,
    )
    return stdout + stderr
  } finally {
    await cluster.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
