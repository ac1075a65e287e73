import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Route53 } from '@aws-sdk/client-route-53'
import { decode, encode } from 'dns-packet'
import { RegionHome } from '../../src/region/region-home.ts'
import { load } from '../machine.ts'
import { formatSpread, spreadOf } from '../report.ts'

interface DnsBenchOptions {
  readonly queries: number
  readonly rounds: number
  readonly json: boolean
}

export const DNS_USAGE = `npm run bench -- dns [options]

Queries a second that the name server answers over UDP, 64 at a time, each answer checked, while one of its records is changed.

  --queries N   how many are asked in a round (default 50000)
  --rounds N    how often it is measured (default 3)
  --json        print one JSON object on stdout, and nothing else there
`

/** Undefined when the command line cannot be understood. */
export function parseDnsOptions(argv: readonly string[]): DnsBenchOptions | undefined {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        queries: { type: 'string', default: '50000' },
        rounds: { type: 'string', default: '3' },
        json: { type: 'boolean', default: false },
      },
    })
    const [queries, rounds] = [Number(values.queries), Number(values.rounds)]
    const areCounts = [queries, rounds].every((count) => Number.isInteger(count) && count > 0)
    return areCounts ? { queries, rounds, json: values.json } : undefined
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (code.startsWith('ERR_PARSE_ARGS')) return undefined
    throw error
  }
}

const AT_ONCE = 64
const NAMES = 100
/** A datagram may be lost: a question without an answer in this time is asked again, and counted. */
const PATIENCE_MS = 1000

export async function benchDns({ queries, rounds, json }: DnsBenchOptions): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'lifeboat-bench-dns-'))
  await chmod(folder, 0o711)
  const loadBefore = load()
  const home = new RegionHome(join(folder, 'home'))
  await home.start(['us-east-1'], { port: 0, detach: true })
  try {
    const port = Number((await home.status()).dnsAddress!.split(':')[1])
    const changing = await zoneOf(home)
    const found: Asked[] = []
    for (let round = 0; round < rounds; round++) {
      const ending = new AbortController()
      const changes = changing(ending.signal)
      try {
        found.push(await ask(port, queries))
      } finally {
        ending.abort()
      }
      await changes
    }
    const perSecond = spreadOf(found.map((one) => one.perSecond))
    const repeated = found.reduce((sum, one) => sum + one.repeated, 0)
    process.stdout.write(
      json
        ? `${JSON.stringify({ queries, rounds, loadBefore, perSecond, repeated })}\n`
        : `${formatSpread(perSecond)} queries/s over UDP, ${AT_ONCE} at a time, ${rounds} rounds of ${queries}, median (least-most); ` +
            `${repeated} asked again; load before ${loadBefore}\n`,
    )
  } finally {
    await home.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Makes a zone of records; what is returned changes one of them again and again, until it is told to end. */
async function zoneOf(home: RegionHome): Promise<(signal: AbortSignal) => Promise<void>> {
  const environment = await home.environment('us-east-1')
  const api = new Route53({
    region: 'us-east-1',
    endpoint: environment.AWS_ENDPOINT_URL!,
    credentials: {
      accessKeyId: environment.AWS_ACCESS_KEY_ID!,
      secretAccessKey: environment.AWS_SECRET_ACCESS_KEY!,
    },
  })
  const { HostedZone } = await api.createHostedZone({
    Name: 'bench.test',
    CallerReference: 'bench',
  })
  const upsert = (Name: string, Value: string) => ({
    Action: 'UPSERT' as const,
    ResourceRecordSet: { Name, Type: 'A' as const, TTL: 5, ResourceRecords: [{ Value }] },
  })
  const change = async (Changes: ReturnType<typeof upsert>[]) => {
    const batch = { HostedZoneId: HostedZone!.Id!, ChangeBatch: { Changes } }
    const { ChangeInfo } = await api.changeResourceRecordSets(batch)
    for (;;) {
      const told = await api.getChange({ Id: ChangeInfo!.Id! })
      if (told.ChangeInfo?.Status === 'INSYNC') return
    }
  }
  await change(Array.from({ length: NAMES }, (_, index) => upsert(nameOf(index), addressOf(index))))
  return async (signal) => {
    for (let turn = 1; !signal.aborted; turn++) {
      await change([upsert('changing.bench.test', addressOf(turn % NAMES))])
    }
  }
}

interface Asked {
  readonly perSecond: number
  readonly repeated: number
}

/** Asks by one socket; a wrong answer ends it. */
async function ask(port: number, queries: number): Promise<Asked> {
  const socket = createSocket('udp4')
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const open = new Map<number, { name: number; at: number }>()
  let [asked, answered, repeated] = [0, 0, 0]
  const send = (id: number, name: number) => {
    open.set(id, { name, at: performance.now() })
    const question = { name: nameOf(name), type: 'A' as const }
    socket.send(encode({ type: 'query', id, questions: [question] }))
  }
  const next = () => {
    if (asked >= queries) return
    send(asked % 65_536, asked % NAMES)
    asked += 1
  }
  const began = performance.now()
  const done = new Promise<void>((resolve, reject) => {
    socket.on('error', reject)
    socket.on('message', (packet) => {
      const { id = -1, answers = [] } = decode(packet)
      const question = open.get(id)
      if (!question) return
      const [answer] = answers
      const data = answer?.type === 'A' ? answer.data : undefined
      if (data !== addressOf(question.name)) reject(new Error(`${id} was answered with ${data}`))
      open.delete(id)
      answered += 1
      if (answered === queries) resolve()
      next()
    })
  })
  const timer = setInterval(() => {
    for (const [id, { name, at }] of open) {
      if (performance.now() - at < PATIENCE_MS) continue
      repeated += 1
      send(id, name)
    }
  }, PATIENCE_MS)
  for (let index = 0; index < AT_ONCE; index++) next()
  try {
    await done
  } finally {
    clearInterval(timer)
    socket.close()
  }
  return { perSecond: (queries * 1000) / (performance.now() - began), repeated }
}

const nameOf = (index: number) => `name-${index}.bench.test`
const addressOf = (index: number) => `127.0.1.${index}`
