import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import dnsPacket, { type Answer, type DecodedPacket, type RecordType } from 'dns-packet'
import { LifeboatError } from '../core/errors.ts'
import type { Random } from '../core/random.ts'

export interface DnsProbe {
  /** The address and the port of a name server. */
  readonly server: { readonly host: string; readonly port: number }
  readonly name: string
  readonly type: RecordType
  /** For the whole question, with a second try by TCP when the answer is too long for UDP. */
  readonly timeoutMs: number
  readonly random: Random
}

export interface DnsAnswer {
  /** As `NOERROR`, `NXDOMAIN`, `SERVFAIL`, `REFUSED`. */
  readonly code: string
  /** Whether the server speaks for the name itself, and not from what it remembers. */
  readonly isAuthoritative: boolean
  readonly records: readonly DnsRecord[]
}

export interface DnsRecord {
  /** In lower case, without the last dot. */
  readonly name: string
  readonly type: string
  /** How long it may be remembered: it is what clients may still believe after a change. */
  readonly ttlSeconds: number
  /** As in a zone file: `192.0.2.1`, `10 mail.example.com`. */
  readonly value: string
}

/** What an answer by UDP may have: as much as goes through any network in one piece. */
const UDP_BYTES = 1232
const ID_HEX_DIGITS = 4

/**
 * Asks one name server one question, by UDP and, where the answer is too long for that, by TCP.
 *
 * @throws LifeboatError `NameServerUnreachable` when there is no answer in time, or none that can be read
 */
export async function queryDns(probe: DnsProbe): Promise<DnsAnswer> {
  const { server, name, type, timeoutMs } = probe
  const id = Number.parseInt(probe.random.hex(ID_HEX_DIGITS), 16)
  const query = dnsPacket.encode({
    type: 'query',
    id,
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ type, name }],
    additionals: [OPT],
  })
  const isAnswer = (packet: DecodedPacket) =>
    packet.id === id &&
    packet.type === 'response' &&
    packet.questions?.[0]?.name.toLowerCase() === name.toLowerCase().replace(/\.$/, '') &&
    packet.questions[0].type === type
  const deadline = AbortSignal.timeout(timeoutMs)
  try {
    const first = await askByUdp(server, query, isAnswer, deadline)
    const packet = first.flag_tc ? await askByTcp(server, query, isAnswer, deadline) : first
    return readAnswer(packet)
  } catch (cause) {
    throw new LifeboatError(
      'NameServerUnreachable',
      `${server.host}:${server.port} does not answer for ${type} ${name}`,
      { hint: 'Check the address of the name server and that it runs.', cause },
    )
  }
}

const OPT: Answer = {
  type: 'OPT',
  name: '.',
  udpPayloadSize: UDP_BYTES,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
}

type IsAnswer = (packet: DecodedPacket) => boolean

/** What is not the answer to our question may come from anybody, and is passed over. */
async function askByUdp(
  { host, port }: DnsProbe['server'],
  query: Buffer,
  isAnswer: IsAnswer,
  signal: AbortSignal,
): Promise<DecodedPacket> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  try {
    return await new Promise<DecodedPacket>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      socket.on('error', reject)
      socket.on('message', (message) => {
        const packet = decoded(message)
        if (packet && isAnswer(packet)) resolve(packet)
      })
      // A connected socket hears nobody else, and hears that nobody listens.
      socket.connect(port, host, (error?: Error) => {
        if (error) reject(error)
        else socket.send(query)
      })
    })
  } finally {
    socket.close()
  }
}

async function askByTcp(
  server: DnsProbe['server'],
  query: Buffer,
  isAnswer: IsAnswer,
  signal: AbortSignal,
): Promise<DecodedPacket> {
  const socket = connect(server)
  try {
    return await new Promise<DecodedPacket>((resolve, reject) => {
      let bytes = Buffer.alloc(0)
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      if (signal.aborted) reject(signal.reason)
      socket.on('error', reject)
      socket.on('close', () => reject(new Error('the connection was closed')))
      socket.on('data', (chunk: Buffer) => {
        bytes = Buffer.concat([bytes, chunk])
        if (bytes.length < 2 || bytes.length < 2 + bytes.readUInt16BE(0)) return
        const packet = decoded(bytes.subarray(2, 2 + bytes.readUInt16BE(0)))
        if (packet && isAnswer(packet)) resolve(packet)
        else reject(new Error('the answer cannot be read'))
      })
      const head = Buffer.alloc(2)
      head.writeUInt16BE(query.length)
      socket.write(Buffer.concat([head, query]))
    })
  } finally {
    socket.destroy()
  }
}

/** Undefined for what is no DNS message. */
function decoded(message: Buffer): DecodedPacket | undefined {
  try {
    return dnsPacket.decode(message)
  } catch (error) {
    if (error instanceof Error) return undefined
    throw error
  }
}

function readAnswer(packet: DecodedPacket): DnsAnswer {
  return {
    code: (packet as DecodedPacket & { readonly rcode: string }).rcode,
    isAuthoritative: packet.flag_aa,
    records: (packet.answers ?? []).flatMap((answer) => {
      if (answer.type === 'OPT') return []
      const { name, type, ttl = 0 } = answer
      return { name: name.toLowerCase(), type, ttlSeconds: ttl, value: textOf(answer) }
    }),
  }
}

function textOf(answer: Exclude<Answer, { type: 'OPT' }>): string {
  switch (answer.type) {
    case 'MX':
      return `${answer.data.preference ?? 0} ${answer.data.exchange}`
    case 'SRV': {
      const { priority = 0, weight = 0, port, target } = answer.data
      return `${priority} ${weight} ${port} ${target}`
    }
    case 'TXT':
      return [answer.data].flat().join('')
    default:
      return typeof answer.data === 'string' ? answer.data : JSON.stringify(answer.data)
  }
}
