import { createServer } from 'node:net'
import { invalidValue } from './faults.ts'
import type { Rds } from './rds.ts'

/**
 * Refuses a port that another instance has, or that another program on this machine listens on.
 *
 * Unlike AWS: every instance listens on this machine's one address, so no two have the same port.
 *
 * @throws RdsFault `InvalidParameterValue`
 */
export async function checkPortFree(rds: Rds, port: number | undefined): Promise<void> {
  if (port === undefined) return
  const holder = rds
    .instances()
    .find(({ record }) => [record.port, record.applying?.port].includes(port))
  if (!holder && (await isFree(port))) return
  const by = holder ? `the DB instance ${holder.record.identifier}` : 'another program'
  throw invalidValue(
    `The port ${port} is used by ${by} on this machine. Leave it out to get a free one.`,
  )
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false)
      else reject(error)
    })
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
