import { LifeboatError } from '../core/errors.ts'

export interface HttpProbe {
  readonly url: string
  readonly method: string
  readonly body?: string
  readonly timeoutMs: number
}

/**
 * One request through the workload's public name.
 *
 * @returns the status; a redirect is not followed, because it is not yet an answer of the workload
 * @throws LifeboatError `SwitchNotProven` when there is no answer or it is not a success
 */
export async function probeHttp(probe: HttpProbe): Promise<number> {
  let response: Response
  try {
    response = await fetch(probe.url, {
      method: probe.method,
      redirect: 'manual',
      signal: AbortSignal.timeout(probe.timeoutMs),
      ...(probe.body !== undefined && {
        body: probe.body,
        headers: { 'content-type': 'application/json' },
      }),
    })
    await response.arrayBuffer()
  } catch (error) {
    throw new LifeboatError('SwitchNotProven', `${probe.method} ${probe.url} has no answer`, {
      cause: error,
    })
  }
  if (!response.ok) {
    throw new LifeboatError(
      'SwitchNotProven',
      `${probe.method} ${probe.url} answers ${response.status}`,
    )
  }
  return response.status
}
