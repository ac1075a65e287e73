import { LifeboatError } from '../core/errors.ts'
import { logError } from './error-log.ts'
import { FolderLock } from './folder-lock.ts'

/**
 * What a process of a home tells its parent: the port on which it answers, or why it failed; and what it asks for meanwhile: a
 * way to a port of another region, which the parent answers by `LinkMessage`.
 */
export type ChildMessage =
  | { readonly kind: 'ready'; readonly port: number }
  | { readonly kind: 'link'; readonly id: number; readonly to: string; readonly port: number }
  | { readonly kind: 'failed'; readonly code: string; message: string; hint: string | undefined }

/** How long closing may take before the whole group is killed, in milliseconds. */
const CLOSE_DEADLINE_MS = 25_000

/** What a process runs from its beginning to its end. */
export interface Running {
  readonly port: number
  close(): Promise<void>
}

/**
 * The life of a process of a home, which leads a process group of its own, so that `kill -9 -PID` takes all that it has
 * started at once. It owns its folder (I9), tells its parent its port or why it failed, and ends when the parent asks or
 * is gone.
 */
export function liveAsChild(folder: string, open: () => Promise<Running>): void {
  live(folder, open).catch((error: unknown) => {
    logError(error)
    const told =
      error instanceof LifeboatError
        ? { code: error.code, message: error.message, hint: error.hint }
        : {
            code: 'RegionUnreachable',
            message: `the process of '${folder}' failed`,
            hint: undefined,
          }
    if (!process.connected) process.exit(1)
    process.send?.({ kind: 'failed', ...told } satisfies ChildMessage, () => process.exit(1))
  })
}

async function live(folder: string, open: () => Promise<Running>): Promise<void> {
  const lock = await FolderLock.acquire(folder)
  const running = await open()

  let isClosing = false
  const close = async () => {
    if (isClosing) return
    isClosing = true
    setTimeout(() => process.kill(-process.pid, 'SIGKILL'), CLOSE_DEADLINE_MS).unref()
    await running.close()
    await lock.release()
    process.exit(0)
  }
  process.on('SIGTERM', () => void close())
  process.on('disconnect', () => void close())
  // From a terminal both reach a foreground gateway, which closes its children in order.
  process.on('SIGINT', () => undefined)
  process.on('SIGHUP', () => undefined)
  if (!process.connected) return await close()
  process.send?.({ kind: 'ready', port: running.port } satisfies ChildMessage)
}
