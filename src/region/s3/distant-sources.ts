import { LifeboatError } from '../../core/errors.ts'
import type { Peer, PeerReply } from '../peer/peer.ts'
import { ANONYMOUS } from '../protocol/verified-stream.ts'
import {
  type CopyInput,
  type CopySource,
  findSource,
  type SourceAnswer,
  type SourceQuestion,
} from './copy-source.ts'
import { copySourceKeyOf } from './customer-key.ts'
import { S3Fault } from './faults.ts'
import type { ByteRange } from './ranges.ts'
import type { Asker, S3 } from './s3.ts'
import { noSuchKey } from './versions.ts'

/** Which bytes a region is asked for, of a source that it has told of. */
interface BytesQuestion extends Pick<SourceAnswer, 'bucketName'> {
  readonly version: Pick<SourceAnswer['version'], 'key' | 'versionId' | 'etag'>
  readonly range?: ByteRange | undefined
  readonly input: CopyInput
}

/**
 * Sources of copies that other regions have. The region of a source decides whether the caller may read it, and sends the
 * bytes to the region in which the copy is made.
 */
export class DistantSources {
  constructor(private readonly peer: Peer) {}

  /** Lets other regions ask for what is here. */
  serve(s3: S3): void {
    this.peer.serve({
      DescribeSource: async (question: SourceQuestion): Promise<PeerReply<SourceAnswer>> => {
        const { bucketName, version, members } = findSource(s3, revived(question))
        return { output: { bucketName, version, members } }
      },
      ReadSource: async (question: BytesQuestion) => ({ output: {}, body: bytesOf(s3, question) }),
    })
  }

  /** @throws S3Fault as `copySource` */
  async of(region: string, question: SourceQuestion): Promise<CopySource> {
    const { output } = await orUnavailable(
      this.peer.ask<SourceAnswer>({
        ...{ region, operation: 'DescribeSource', input: sendable(question) },
      }),
    )
    const { bucketName, version } = output
    const { key, versionId, etag } = version
    const at = { bucketName, version: { key, versionId, etag }, input: question.input }
    return { ...output, read: (range) => this.#read(region, { ...at, range }) }
  }

  async *#read(region: string, input: BytesQuestion): AsyncGenerator<Buffer> {
    const asked = this.peer.ask({ region, operation: 'ReadSource', input })
    const pieces = (await orUnavailable(asked)).body[Symbol.asyncIterator]()
    try {
      for (;;) {
        const { done, value } = await orUnavailable(pieces.next())
        if (done) return
        yield value
      }
    } finally {
      await pieces.return?.()
    }
  }
}

function bytesOf(s3: S3, { bucketName, version, range, input }: BytesQuestion) {
  const bucket = s3.store.findBucket(bucketName)
  const found = bucket?.find(version.key, version.versionId)
  if (!bucket || found?.etag !== version.etag) throw noSuchKey(version.key)
  return bucket.read(found, { ...range, sealedWith: copySourceKeyOf(input)?.key })
}

/** Whoever is nobody in particular is so in every region. */
function sendable({ asker, ...others }: SourceQuestion): object {
  const { caller, authentication, headers } = asker
  const named = caller === ANONYMOUS ? undefined : caller
  return { ...others, asker: { caller: named, authentication, headers: [...headers] } }
}

/** The inverse of `sendable`, once it has been JSON. */
function revived({ input, asker, ...others }: SourceQuestion): SourceQuestion {
  const { caller = ANONYMOUS, authentication, headers } = asker
  const { session } = caller
  const { signedAt } = authentication ?? {}
  const { CopySourceIfModifiedSince: since, CopySourceIfUnmodifiedSince: until } = input
  const revivedAsker: Asker = {
    caller: session
      ? { ...caller, session: { ...session, issuedAt: new Date(session.issuedAt) } }
      : caller,
    authentication:
      authentication && signedAt
        ? { ...authentication, signedAt: new Date(signedAt) }
        : authentication,
    headers: new Map(headers),
  }
  return {
    ...others,
    asker: revivedAsker,
    input: {
      ...input,
      ...(since ? { CopySourceIfModifiedSince: new Date(since) } : {}),
      ...(until ? { CopySourceIfUnmodifiedSince: new Date(until) } : {}),
    },
  }
}

async function orUnavailable<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked
  } catch (error) {
    if (!(error instanceof LifeboatError) || error.code !== 'RegionUnreachable') throw error
    throw new S3Fault('ServiceUnavailable', 'The region of the copy source does not answer.')
  }
}
