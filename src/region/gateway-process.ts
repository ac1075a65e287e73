import { LifeboatError } from '../core/errors.ts'
import { logError } from './error-log.ts'
import { Gateway, type GatewayOptions } from './gateway.ts'
import { GatewayControl } from './gateway-control.ts'

/**
 * The program of a detached gateway: `gateway-process HOME OPTIONS NAME…`, the options as JSON. It tells its parent that all
 * processes answer, or why not, and then no longer needs it.
 */
export type GatewayMessage =
  | { readonly kind: 'ready'; readonly port: number }
  | { readonly kind: 'failed'; readonly code: string; message: string; hint: string | undefined }

async function main(
  options: GatewayOptions & { home: string },
  names: readonly string[],
): Promise<void> {
  const { home } = options
  const gateway = await Gateway.open(options)
  let isClosing = false
  const close = async () => {
    if (isClosing) return
    isClosing = true
    await control.close()
    await gateway.close()
    process.exit(0)
  }
  const control = await GatewayControl.open({
    home,
    gateway,
    isDetached: true,
    onStop: () => void close(),
  })
  process.on('SIGTERM', () => void close())
  process.on('SIGINT', () => void close())
  process.on('SIGHUP', () => undefined)
  try {
    await gateway.start(names)
  } catch (error) {
    await control.close()
    await gateway.close()
    throw error
  }
  process.send?.({ kind: 'ready', port: gateway.port } satisfies GatewayMessage)
}

const [home = '', options = '{}', ...names] = process.argv.slice(2)
main({ ...(JSON.parse(options) as GatewayOptions), home }, names).catch((error: unknown) => {
  logError(error)
  const told =
    error instanceof LifeboatError
      ? { code: error.code, message: error.message, hint: error.hint }
      : { code: 'RegionUnreachable', message: 'the gateway failed', hint: undefined }
  if (!process.connected) process.exit(1)
  process.send?.({ kind: 'failed', ...told } satisfies GatewayMessage, () => process.exit(1))
})
