import { join } from 'node:path'
import { systemClock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import { findPostgresBinaries } from '../postgres/binaries.ts'
import { logError } from './error-log.ts'
import { FolderLock } from './folder-lock.ts'
import { Region } from './region.ts'
import { rootCredentials } from './root-credentials.ts'
import { bucketDefaults } from './s3/bucket-defaults.ts'
import { lifecycleDayMs } from './s3/lifecycle/day-length.ts'

/**
 * The program of one region: `region-process HOME NAME IAM_DELAY_MS GATEWAY_PORT`, forked by a gateway as the leader of a process
 * group of its own, so that `kill -9 -PID` takes its API and its databases at once.
 *
 * It tells its parent the port, or why it failed; and it ends when the parent asks, or is gone.
 */
export type RegionMessage =
  | { readonly kind: 'ready'; readonly port: number }
  | { readonly kind: 'failed'; readonly code: string; message: string; hint: string | undefined }

/** How long a region may take to close its databases before its group is killed, in milliseconds. */
const CLOSE_DEADLINE_MS = 25_000

async function main(home: string, name: string, o: { iamDelayMs: number; gatewayPort: number }) {
  const folder = join(home, 'regions', name)
  const lock = await FolderLock.acquire(folder)
  const region = await Region.open({
    name,
    folder,
    credentials: await rootCredentials(join(home, 'credentials.json')),
    clock: systemClock,
    binaries: await findPostgresBinaries({ cache: join(home, 'postgresql') }),
    templates: join(home, 'templates'),
    iam: { folder: join(home, 'iam'), delayMs: o.iamDelayMs },
    lifecycleDayMs: lifecycleDayMs(process.env),
    bucketDefaults: bucketDefaults(process.env),
    home: {
      bucketsFolder: join(home, 'buckets'),
      ...(o.gatewayPort > 0 ? { endpoint: `http://127.0.0.1:${o.gatewayPort}` } : {}),
    },
  })
  const { port } = await region.listen()

  let isClosing = false
  const close = async () => {
    if (isClosing) return
    isClosing = true
    setTimeout(() => process.kill(-process.pid, 'SIGKILL'), CLOSE_DEADLINE_MS).unref()
    await region.close()
    await lock.release()
    process.exit(0)
  }
  process.on('SIGTERM', () => void close())
  process.on('disconnect', () => void close())
  // From a terminal both reach a foreground gateway, which closes its regions in order.
  process.on('SIGINT', () => undefined)
  process.on('SIGHUP', () => undefined)
  if (!process.connected) return await close()
  tell({ kind: 'ready', port })
}

function tell(message: RegionMessage): void {
  process.send?.(message)
}

const [home = '', name = '', iamDelayMs, gatewayPort] = process.argv.slice(2)
const options = { iamDelayMs: Number(iamDelayMs), gatewayPort: Number(gatewayPort) }
main(home, name, options).catch((error: unknown) => {
  logError(error)
  const told =
    error instanceof LifeboatError
      ? { code: error.code, message: error.message, hint: error.hint }
      : { code: 'PostgresFailed', message: 'the region failed', hint: undefined }
  if (!process.connected) process.exit(1)
  process.send?.({ kind: 'failed', ...told } satisfies RegionMessage, () => process.exit(1))
})
