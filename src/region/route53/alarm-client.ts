import { type IncomingMessage, request as openRequest } from 'node:http'
import type { Clock } from '../../core/clock.ts'
import type { AlarmState } from '../../dns/health/monitor.ts'
import { type SessionKeys, signedHeaders } from '../protocol/signed-headers.ts'

/** In milliseconds, and in bytes. */
const TIMEOUT_MS = 5_000
const MAX_ANSWER_BYTES = 256 * 1024

const SERVICE = 'route53.amazonaws.com'
const SESSION_SECONDS = 3_600
/** Keys that end sooner are replaced before they are used. */
const RESERVE_MS = 10 * 60_000

const RIGHTS = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'cloudwatch:DescribeAlarms', Resource: '*' }],
})

/** Where the keys come from with which Route 53 asks a region. */
export interface ServiceKeys {
  keysForServiceItself(
    service: string,
    rights: string,
    durationSeconds: number,
  ): SessionKeys & { readonly expiresAt: Date }
}

/**
 * Asks the regions of a home for the state of alarms, as their other clients do: over HTTP, signed. A region that does not
 * answer has no data.
 *
 * Unlike AWS: the alarm's state is asked for, not the data that it is about. So what SetAlarmState sets counts until the alarm
 * is evaluated again.
 */
export class AlarmClient {
  #keys: ReturnType<ServiceKeys['keysForServiceItself']> | undefined

  constructor(
    private readonly o: {
      /** Where all regions of the home answer; undefined where there are none. */
      endpoint: string | undefined
      sessions: ServiceKeys
      clock: Clock
    },
  ) {}

  async state(alarm: { region: string; name: string }, signal: AbortSignal): Promise<AlarmState> {
    const { region, name } = alarm
    try {
      const states = await this.#describe(alarm, signal)
      const [state] = states
      if (state === undefined) return unknown(`there is no alarm '${name}' in ${region}`)
      if (state === 'OK') return { isSuccess: true, isUnknown: false, status: 'Success: OK' }
      if (state === 'ALARM') return { isSuccess: false, isUnknown: false, status: 'Failure: ALARM' }
      return unknown(`the alarm '${name}' has insufficient data`)
    } catch (error) {
      signal.throwIfAborted()
      const { code = '', message = '' } = error as NodeJS.ErrnoException
      return unknown(`the region ${region} does not tell of its alarms (${code || message})`)
    }
  }

  async #describe(
    { region, name }: { region: string; name: string },
    signal: AbortSignal,
  ): Promise<string[]> {
    if (this.o.endpoint === undefined) throw new Error('there are no regions')
    const endpoint = new URL(this.o.endpoint)
    const body = JSON.stringify({
      AlarmNames: [name],
      AlarmTypes: ['MetricAlarm', 'CompositeAlarm'],
    })
    const request = openRequest({
      host: endpoint.hostname,
      port: endpoint.port,
      method: 'POST',
      path: '/',
      headers: signedHeaders({
        method: 'POST',
        path: '/',
        region,
        service: 'monitoring',
        body,
        headers: {
          host: endpoint.host,
          'content-type': 'application/x-amz-json-1.0',
          'x-amz-target': 'GraniteServiceVersion20100801.DescribeAlarms',
        },
        keys: this.#currentKeys(),
        now: this.o.clock.now(),
      }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    })
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request.on('response', resolve)
      request.on('error', reject)
      request.end(body)
    })
    const text = await textOf(response)
    if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`)
    const { MetricAlarms = [], CompositeAlarms = [] } = JSON.parse(text) as Described
    return [...MetricAlarms, ...CompositeAlarms].map(({ StateValue = '' }) => StateValue)
  }

  #currentKeys(): SessionKeys {
    const { sessions, clock } = this.o
    const leftMs = (this.#keys?.expiresAt.getTime() ?? 0) - clock.now().getTime()
    if (leftMs < RESERVE_MS) {
      this.#keys = sessions.keysForServiceItself(SERVICE, RIGHTS, SESSION_SECONDS)
    }
    return this.#keys!
  }
}

interface Described {
  readonly MetricAlarms?: readonly { StateValue?: string }[]
  readonly CompositeAlarms?: readonly { StateValue?: string }[]
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of response) {
    text += chunk
    if (text.length > MAX_ANSWER_BYTES) throw new Error('the answer is too long')
  }
  return text
}

function unknown(why: string): AlarmState {
  return { isSuccess: false, isUnknown: true, status: `Failure: ${why}` }
}
