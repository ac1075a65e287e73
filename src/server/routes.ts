import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { streamSSE } from 'hono/streaming'
import { z } from 'zod'
import { ERRORS, LifeboatError } from '../core/errors.ts'
import type { ExecutionsApi } from '../runbook/execution.ts'
import type { Json } from '../runbook/runbook.ts'
import type { ErrorBody, HealthBody, StartedBody } from './api-types.ts'
import { isBearer } from './bearer.ts'

const LONGEST_BODY_BYTES = 1024 * 1024

const name = z.string().min(1).max(200)
const START = z.strictObject({
  runbook: name,
  input: z.json(),
  id: name.optional(),
  owns: name.optional(),
  takeOver: z.string().max(2000).optional(),
  autoApprove: z.array(z.enum(['harm', 'oneWay'])).optional(),
})
const APPROVE = z.strictObject({ by: name, step: name.optional() })
const SKIP = z.strictObject({ by: name, step: name.optional(), reason: z.string().max(2000) })
const CANCEL = z.strictObject({ by: name })
const JSON_OBJECT = z.record(name, z.json())
const RESUME = z.strictObject({
  takeOver: z.string().max(2000).optional(),
  elsewhere: z.strictObject({ input: JSON_OBJECT, here: JSON_OBJECT }).optional(),
})
const NOTHING = z.strictObject({})

/** The HTTP API over executions. Knows its own callers by `token`, and its own address by `port`. */
export function executionRoutes(o: {
  executions: ExecutionsApi
  token: string
  port: () => number
}): Hono {
  const { executions } = o
  const app = new Hono()
  app.use(refuseOthers(o))
  app.use(
    bodyLimit({
      maxSize: LONGEST_BODY_BYTES,
      onError: (c) => refuse(c, 413, 'the body is longer than 1 MiB'),
    }),
  )
  app.onError((error, c) => {
    const known = error instanceof LifeboatError ? error : undefined
    const { code, message, hint } = known ?? {
      code: 'StateUnreachable' as const,
      message: 'something went wrong inside Lifeboat',
      hint: undefined,
    }
    const body: ErrorBody = { error: { code, message, ...(hint && { hint }) } }
    const status = known ? ERRORS[known.code].http : 500
    return c.json(body, status as 400)
  })
  app.notFound((c) => refuse(c, 404, `there is no ${c.req.method} ${c.req.path}`))

  app.get('/health', (c) => {
    const body: HealthBody = { lifeboat: 'ready', pid: process.pid }
    return c.json(body)
  })
  app.get('/executions', async (c) => c.json(await executions.list()))
  app.get('/executions/:id', async (c) => c.json(await executions.get(c.req.param('id'))))
  app.post('/executions', async (c) => {
    const { runbook, input, ...options } = await bodyOf(c, START)
    const body: StartedBody = {
      id: await executions.start(runbook, input as Json, present(options)),
    }
    return c.json(body, 201)
  })
  app.post('/executions/:id/approve', async (c) => {
    await executions.approve(c.req.param('id'), present(await bodyOf(c, APPROVE)))
    return c.body(null, 204)
  })
  app.post('/executions/:id/skip', async (c) => {
    await executions.skip(c.req.param('id'), present(await bodyOf(c, SKIP)))
    return c.body(null, 204)
  })
  app.post('/executions/:id/cancel', async (c) => {
    await executions.cancel(c.req.param('id'), await bodyOf(c, CANCEL))
    return c.body(null, 204)
  })
  app.post('/executions/:id/resume', async (c) => {
    await executions.resume(c.req.param('id'), present(await bodyOf(c, RESUME)))
    return c.body(null, 204)
  })
  for (const verb of ['pause', 'retry'] as const) {
    app.post(`/executions/:id/${verb}`, async (c) => {
      await bodyOf(c, NOTHING)
      await executions[verb](c.req.param('id'))
      return c.body(null, 204)
    })
  }
  app.get('/executions/:id/events', async (c) => {
    const id = c.req.param('id')
    await executions.get(id)
    const after = BigInt(/^\d{1,18}$/.exec(c.req.header('last-event-id') ?? '')?.[0] ?? 0)
    return streamSSE(c, async (stream) => {
      const gone = new AbortController()
      stream.onAbort(() => gone.abort())
      for await (const event of executions.watch(id, gone.signal)) {
        if (BigInt(event.id) <= after) continue
        await stream.writeSSE({ id: event.id, data: JSON.stringify(event) })
      }
    })
  })
  return app
}

/**
 * Only who read the token from the home may ask. A page in a browser cannot: it names itself by Origin, and a name that was
 * pointed at this machine (DNS rebinding) shows in Host.
 */
function refuseOthers({ token, port }: { token: string; port: () => number }) {
  return async (c: Context, next: () => Promise<void>) => {
    const host = c.req.header('host')
    if (host !== `127.0.0.1:${port()}` && host !== `localhost:${port()}`) {
      return refuse(c, 421, 'this server does not answer for that host')
    }
    if (c.req.header('origin') !== undefined) return refuse(c, 403, 'pages in browsers may not ask')
    if (!isBearer(c.req.header('authorization'), token)) {
      return refuse(c, 401, 'the bearer token is missing or wrong')
    }
    return next()
  }
}

function refuse(c: Context, status: 401 | 403 | 404 | 413 | 421, message: string): Response {
  const code = status === 401 || status === 403 ? 'CredentialsRefused' : 'InvalidUsage'
  const body: ErrorBody = { error: { code, message } }
  return c.json(body, status)
}

async function bodyOf<Schema extends z.ZodType>(
  c: Context,
  schema: Schema,
): Promise<z.infer<Schema>> {
  if (!/^application\/json\b/.test(c.req.header('content-type') ?? '')) {
    throw new LifeboatError('InvalidUsage', 'the body is not application/json')
  }
  const parsed = schema.safeParse(parseJson(await c.req.text()))
  if (parsed.success) return parsed.data
  throw new LifeboatError(
    'InvalidUsage',
    `the body is not as it must be: ${z.prettifyError(parsed.error)}`,
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new LifeboatError('InvalidUsage', 'the body is not JSON', { cause })
  }
}

/** Without the keys that were not given. */
function present<Value extends object>(
  value: Value,
): { [Key in keyof Value]: Exclude<Value[Key], undefined> } {
  const entries = Object.entries(value).filter(([, one]) => one !== undefined)
  return Object.fromEntries(entries) as { [Key in keyof Value]: Exclude<Value[Key], undefined> }
}
