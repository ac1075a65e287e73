import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { z } from 'zod'
import { LifeboatError } from '../core/errors.ts'
import { jsonIn } from '../core/json.ts'
import type { WitnessReport } from '../recovery/witnesses/witness.ts'
import { isBearer } from './bearer.ts'

/** What a monitor of somebody else says. */
const REPORT = z.strictObject({
  state: z.enum(['healthy', 'failing']),
  reason: z.string().max(500).optional(),
})

const LONGEST_BODY_BYTES = 16 * 1024

/** Hears what witnesses see, on 127.0.0.1. Close it. */
export interface WitnessServer {
  readonly port: number
  close(): Promise<void>
}

/**
 * Hears witnesses: `POST /witnesses/NAME` with `authorization: Bearer KEY` and `{"state": "failing", "reason": "…"}`. Who has not
 * the key of a name does not learn whether there is one.
 *
 * @param o.onReport  is answered for: a report that it throws for was not heard
 * @param o.onError   gets what it has thrown
 * @throws LifeboatError `PortTaken`
 */
export async function startWitnessServer(o: {
  port: number
  keys: ReadonlyMap<string, string>
  onReport: (name: string, report: WitnessReport) => Promise<void>
  onError: (error: Error) => void
}): Promise<WitnessServer> {
  const app = new Hono()
  const onError = { error: 'the body is longer than 16 KiB' }
  app.use(bodyLimit({ maxSize: LONGEST_BODY_BYTES, onError: (c) => c.json(onError, 413) }))
  app.post('/witnesses/:name', async (c) => {
    const name = c.req.param('name')
    const key = o.keys.get(name)
    if (!isBearer(c.req.header('authorization'), key)) {
      return c.json({ error: 'the witness or its key is not known' }, 401)
    }
    const report = REPORT.safeParse(jsonIn(await c.req.text()))
    if (!report.success) {
      return c.json({ error: 'say {"state": "failing" or "healthy", "reason": "…"}' }, 400)
    }
    await o.onReport(name, report.data)
    return c.body(null, 204)
  })
  app.notFound((c) => c.json({ error: 'there is only POST /witnesses/NAME' }, 404))
  app.onError((error, c) => {
    o.onError(error)
    return c.json({ error: 'it could not be kept: say it again' }, 503)
  })

  const server = await new Promise<ReturnType<typeof serve>>((resolve, reject) => {
    const options = { fetch: app.fetch, hostname: '127.0.0.1', port: o.port }
    const starting = serve(options, () => resolve(starting))
    starting.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? taken(o.port) : error)
    })
  })
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      if ('closeAllConnections' in server) server.closeAllConnections()
      await closed
    },
  }
}

function taken(port: number): LifeboatError {
  return new LifeboatError('PortTaken', `port ${port} is taken`, {
    hint: 'Choose another one: --witness-port.',
  })
}
