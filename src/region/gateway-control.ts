import { timingSafeEqual } from 'node:crypto'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { ERRORS, type ErrorCode, LifeboatError } from '../core/errors.ts'
import { systemRandom } from '../core/random.ts'
import { isRunning, type ProcessIdentity, thisProcess } from '../postgres/process-identity.ts'
import { logError } from './error-log.ts'
import type { ChildStatus, Gateway } from './gateway.ts'
import type { OutageOrder, Outages } from './network/outages.ts'
import { closeServer, listening } from './protocol/http-server.ts'

/**
 * How another process of the same account asks a running gateway to start processes, to tell their status or
 * to stop: a loopback port and a token, both in a file that only the account reads.
 */
interface ControlFile {
  readonly process: ProcessIdentity
  readonly port: number
  readonly controlPort: number
  readonly token: string
  /** Whether the process is there for the gateway alone, and ends with it. */
  readonly isDetached: boolean
}

export interface GatewayStatus {
  readonly pid: number
  readonly port: number
  /** Of the name server, whether it lives or not; 0 before its first start. */
  readonly dnsPort: number
  /** The regions, and what the home has once, that were started. */
  readonly processes: readonly ChildStatus[]
  readonly outages: Outages
}

/** What a gateway can be asked: its status, to start processes, to stop; to break one of them down, or to lift that. */
export type GatewayQuestion =
  | { readonly verb: 'status' | 'stop' }
  | { readonly verb: 'start'; readonly names: readonly string[] }
  | { readonly verb: 'break-down'; readonly name: string; readonly order: OutageOrder }
  | { readonly verb: 'lift'; readonly name: string }

const MAX_BODY_BYTES = 64 * 1024

/** Lets a gateway be asked, until `close`. */
export class GatewayControl {
  private constructor(
    private readonly server: Server,
    private readonly file: string,
  ) {}

  /** @param onStop  called once the asker has been told that the gateway will stop */
  static async open(o: {
    home: string
    gateway: Gateway
    isDetached: boolean
    onStop: () => void
  }): Promise<GatewayControl> {
    const token = systemRandom.hex(64)
    const server = createServer((request, response) => {
      answer(request, token, o.gateway)
        .then((status) => reply(response, 200, status))
        .catch((error: unknown) => reply(response, 400, toldError(error)))
        .finally(() => {
          if (request.url === '/stop' && response.statusCode === 200)
            response.once('close', o.onStop)
        })
    })
    await listening(server, 0)
    const file = controlFile(o.home)
    const control: ControlFile = {
      process: thisProcess(),
      port: o.gateway.port,
      controlPort: (server.address() as AddressInfo).port,
      token,
      isDetached: o.isDetached,
    }
    await writeFile(`${file}.tmp`, JSON.stringify(control), { mode: 0o600 })
    await rename(`${file}.tmp`, file)
    return new GatewayControl(server, file)
  }

  async close(): Promise<void> {
    await rm(this.file, { force: true })
    await closeServer(this.server)
  }
}

/** The gateway that runs in a home, asked over its control port; undefined when none runs. */
export class RunningGateway {
  private constructor(private readonly control: ControlFile) {}

  static async find(home: string): Promise<RunningGateway | undefined> {
    try {
      const control: ControlFile = JSON.parse(await readFile(controlFile(home), 'utf8'))
      return isRunning(control.process) ? new RunningGateway(control) : undefined
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  get process(): ProcessIdentity {
    return this.control.process
  }

  get port(): number {
    return this.control.port
  }

  get isDetached(): boolean {
    return this.control.isDetached
  }

  /** @throws LifeboatError what the gateway refused with, or `RegionUnreachable` */
  async ask(question: GatewayQuestion): Promise<GatewayStatus> {
    const { controlPort, token } = this.control
    const response = await fetch(`http://127.0.0.1:${controlPort}/${question.verb}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify(question),
    }).catch((cause: unknown) => {
      throw new LifeboatError('RegionUnreachable', 'the gateway does not answer', { cause })
    })
    const body = await response.json()
    if (response.ok) return body as GatewayStatus
    const { code, message, hint } = body as { code: string; message: string; hint?: string }
    const known = (code in ERRORS ? code : 'RegionUnreachable') as ErrorCode
    throw new LifeboatError(known, message, hint ? { hint } : {})
  }
}

export function gatewayStatus(gateway: Gateway): GatewayStatus {
  const { port, dnsPort, outages } = gateway
  return { pid: process.pid, port, dnsPort, processes: gateway.status(), outages }
}

async function answer(
  request: IncomingMessage,
  token: string,
  gateway: Gateway,
): Promise<GatewayStatus> {
  const sent = Buffer.from(request.headers.authorization ?? '')
  const expected = Buffer.from(`Bearer ${token}`)
  if (sent.length !== expected.length || !timingSafeEqual(sent, expected)) {
    throw new LifeboatError('CredentialsRefused', 'the token is not that of this gateway')
  }
  let text = ''
  for await (const chunk of request) {
    text += chunk
    if (text.length > MAX_BODY_BYTES) throw new LifeboatError('InvalidUsage', 'too long')
  }
  const question: GatewayQuestion = JSON.parse(text || '{"verb":"status"}')
  if (question.verb === 'start') await gateway.start(question.names)
  if (question.verb === 'break-down') await gateway.breakDown(question.name, question.order)
  if (question.verb === 'lift') await gateway.lift(question.name)
  return gatewayStatus(gateway)
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' })
  response.end(JSON.stringify(body))
}

function toldError(error: unknown): object {
  if (error instanceof LifeboatError) {
    return { code: error.code, message: error.message, hint: error.hint }
  }
  logError(error)
  return { code: 'RegionUnreachable', message: 'the gateway failed' }
}

function controlFile(home: string): string {
  return join(home, 'gateway', 'control.json')
}
