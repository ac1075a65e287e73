import { mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { S3Client } from './s3-client.ts'
import { REGION, type S3Server } from './servers.ts'

const AT_ONCE = 16
const SHORT_BYTES = 4 << 10
const LONG_BYTES = 1 << 20
const KEYS_PER_PAGE = 1000

/** What is measured, in the order in which it is done; each leaves what the next one needs. */
export const MEASURES = [
  'PUT 4 KiB',
  'GET 4 KiB',
  'LIST 1,000 keys',
  'DELETE',
  'PUT 1 MiB',
  'GET 1 MiB',
] as const
export type Measure = (typeof MEASURES)[number]

/** How many requests a round makes. */
export interface Counts {
  readonly short: number
  readonly long: number
  readonly pages: number
}

/**
 * Requests a second of one server in one round. Every answer is checked: a measure in which a server fails has no figure.
 *
 * @param onFailure  is told of it
 */
export async function work(
  server: S3Server,
  round: number,
  counts: Counts,
  onFailure: (measure: Measure, error: Error) => void,
): Promise<Partial<Record<Measure, number>>> {
  const client = new S3Client({ ...server, region: REGION, connections: AT_ONCE })
  const bucket = `bench-${round}-${server.name.replace(/\W+/g, '').toLowerCase()}`
  const short = Buffer.alloc(SHORT_BYTES, 'x')
  const long = Buffer.alloc(LONG_BYTES, 'y')
  const at = (prefix: string, index: number) =>
    `/${bucket}/${prefix}/${String(index).padStart(6, '0')}`
  const get = (prefix: string, expected: Buffer) => async (index: number) => {
    const got = await client.send('GET', at(prefix, index))
    if (!got.equals(expected)) throw new Error(`${server.name} returned other bytes`)
  }
  const query = [
    ['list-type', '2'],
    ['prefix', 'short/'],
  ] as const
  const list = async () => {
    const page = await client.send('GET', `/${bucket}`, { query })
    const keys = page.toString().match(/<Key>/g)?.length
    const wanted = Math.min(counts.short, KEYS_PER_PAGE)
    if (keys !== wanted) throw new Error(`${server.name} listed ${keys} keys, not ${wanted}`)
  }
  try {
    await client.send('PUT', `/${bucket}`)
    const put = (prefix: string, body: Buffer) => (index: number) =>
      client.send('PUT', at(prefix, index), { body })
    const remove = (index: number) => client.send('DELETE', at('short', index))
    const requests: Record<Measure, readonly [number, (index: number) => Promise<unknown>]> = {
      'PUT 4 KiB': [counts.short, put('short', short)],
      'GET 4 KiB': [counts.short, get('short', short)],
      'LIST 1,000 keys': [counts.pages, list],
      DELETE: [counts.short, remove],
      'PUT 1 MiB': [counts.long, put('long', long)],
      'GET 1 MiB': [counts.long, get('long', long)],
    }
    const rates: Partial<Record<Measure, number>> = {}
    for (const measure of MEASURES) {
      try {
        rates[measure] = await perSecond(...requests[measure])
      } catch (error) {
        onFailure(measure, error as Error)
      }
    }
    return rates
  } finally {
    client.close()
  }
}

/** What the disk allows: files of the same sizes, written and synced, as many at once. Files a second. */
export async function diskLimit(
  folder: string,
  counts: Counts,
): Promise<Partial<Record<Measure, number>>> {
  const files = join(folder, 'disk')
  await mkdir(files)
  const write = (body: Buffer) => async (index: number) => {
    const file = await open(join(files, `${body.length}-${index}`), 'wx')
    await file.writeFile(body)
    await file.datasync()
    await file.close()
  }
  try {
    return {
      'PUT 4 KiB': await perSecond(counts.short, write(Buffer.alloc(SHORT_BYTES, 'x'))),
      'PUT 1 MiB': await perSecond(counts.long, write(Buffer.alloc(LONG_BYTES, 'y'))),
    }
  } finally {
    await rm(files, { recursive: true })
  }
}

export async function perSecond(
  count: number,
  make: (index: number) => Promise<unknown>,
): Promise<number> {
  const began = performance.now()
  let next = 0
  const worker = async () => {
    while (next < count) await make(next++)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return (count * 1000) / (performance.now() - began)
}
