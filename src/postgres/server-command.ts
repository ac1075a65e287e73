import { existsSync, realpathSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { PostgresBinaries } from './binaries.ts'
import { ownerSetting } from './server-processes.ts'

/**
 * The command that starts a server, program first.
 *
 * What must be so whatever the settings files say stands on the command line: we read the log that goes to stderr, and
 * the owner tells other processes of ours whose server it is.
 */
export function serverCommand(binaries: PostgresBinaries, dataDirectory: string): string[] {
  const forced = ['logging_collector=off', 'log_destination=stderr', ownerSetting()]
  return [
    ...deathSignal(),
    join(binaries.bin, 'postgres'),
    '-D',
    dataDirectory,
    ...forced.flatMap((setting) => ['-c', setting]),
  ]
}

/** Nothing of ours reaches the server: neither credentials nor a locale (I12). */
export function serverEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH ?? '', LC_ALL: 'C', TZ: 'UTC' }
}

/**
 * A prefix with which the kernel ends the server when we die: an immediate shutdown, from which it recovers as from a
 * crash. It needs setpriv of util-linux; without it the server is ended when its folder is next opened.
 */
function deathSignal(): string[] {
  const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find(
    (path) => existsSync(path) && basename(realpathSync(path)) === 'setpriv',
  )
  return setpriv ? [setpriv, '--pdeathsig', 'QUIT', '--'] : []
}
