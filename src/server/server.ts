import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { LifeboatError } from '../core/errors.ts'
import { systemRandom } from '../core/random.ts'
import type { ExecutionsApi } from '../runbook/execution.ts'
import { thisExecutor } from '../runbook/executor.ts'
import { connectToServer } from './client.ts'
import { executionRoutes } from './routes.ts'
import { removeServerFile, type ServerFile, writeServerFile } from './server-file.ts'

/** A server that answers for the executions of this process. Close it. */
export interface RunningServer {
  /** On 127.0.0.1. */
  readonly port: number
  close(): Promise<void>
}

/**
 * Answers for executions on a free port of 127.0.0.1, and writes into the home how to reach it.
 *
 * @throws LifeboatError `AlreadyRunning` when a server of this home answers already
 */
export async function startServer(o: {
  executions: ExecutionsApi
  home: string
}): Promise<RunningServer> {
  if (await connectToServer(o.home)) {
    throw new LifeboatError('AlreadyRunning', `another Lifeboat already serves '${o.home}'`, {
      hint: 'Stop it first, or use another --home.',
    })
  }
  const token = systemRandom.hex(64)
  let port = 0
  const { fetch } = executionRoutes({ executions: o.executions, token, port: () => port })
  const server = await new Promise<ReturnType<typeof serve>>((resolve, reject) => {
    const starting = serve({ fetch, hostname: '127.0.0.1', port: 0 }, () => resolve(starting))
    starting.once('error', reject)
  })
  port = (server.address() as AddressInfo).port
  const file: ServerFile = { process: thisExecutor(systemRandom), port, token }
  await writeServerFile(o.home, file)
  return {
    port,
    async close() {
      await removeServerFile(o.home, file)
      const closed = new Promise((resolve) => server.close(resolve))
      // Event streams have no end of their own.
      if ('closeAllConnections' in server) server.closeAllConnections()
      await closed
    },
  }
}
