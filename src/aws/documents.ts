import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { LifeboatError } from '../core/errors.ts'
import type { Calls } from './calls.ts'
import { awsCodeOf } from './faults.ts'

/** A small object with text, and the times that S3 tells of it, in whole seconds. */
export interface StoredDocument {
  readonly text: string
  readonly etag: string
  readonly writtenAt: Date
  /** When S3 answered, by its own clock. */
  readonly readAt: Date
}

/** Says of the object at a key: not there, or the one with this entity tag. */
export type Condition = 'absent' | { readonly etag: string }

/** The object is another one, or another write of it is under way. */
const CONFLICTS = ['PreconditionFailed', 'ConditionalRequestConflict', 'NoSuchKey']

/** Small objects of S3 that several writers agree about. Every method throws as `Calls` says. */
export class Documents {
  /** By answer: the SDK does not hand on the `Date` of one. */
  readonly #answeredAt = new WeakMap<object, Date>()

  constructor(
    private readonly client: S3Client,
    private readonly calls: Calls,
  ) {
    client.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args)
        const { headers } = result.response as { headers?: Record<string, string> }
        const time = new Date(headers?.date ?? '')
        const isTime = !Number.isNaN(time.getTime())
        if (result.output && isTime) this.#answeredAt.set(result.output, time)
        return result
      },
      { step: 'deserialize', priority: 'high' },
    )
  }

  /** Undefined when there is none. */
  async read(bucket: string, key: string): Promise<StoredDocument | undefined> {
    try {
      return await this.calls.read(`read '${key}' in bucket '${bucket}'`, async () => {
        const command = new GetObjectCommand({ Bucket: bucket, Key: key })
        const answer = await this.client.send(command)
        const { Body, ETag, LastModified } = answer
        const readAt = this.#answeredAt.get(answer)
        const text = (await Body?.transformToString()) ?? ''
        if (!ETag || !LastModified || !readAt) throw incomplete(bucket, key)
        return { text, etag: ETag, writtenAt: LastModified, readAt }
      })
    } catch (error) {
      if (awsCodeOf(error) === 'NoSuchKey') return undefined
      throw error
    }
  }

  /**
   * Writes an object if the one that is there is the one that the caller knows.
   *
   * A write without an answer is sent again, and then meets its own effect: after a conflict, read what is there.
   *
   * @returns the new entity tag, and when S3 answered
   */
  async write(
    bucket: string,
    key: string,
    text: string,
    condition: Condition,
  ): Promise<{ etag: string; at: Date } | 'conflict'> {
    try {
      return await this.calls.repeat(`write '${key}' in bucket '${bucket}'`, async () => {
        const command = new PutObjectCommand({
          Bucket: bucket,
          Key: key,
          Body: text,
          ContentType: 'application/json',
          ...(condition === 'absent' ? { IfNoneMatch: '*' } : { IfMatch: condition.etag }),
        })
        const answer = await this.client.send(command)
        const at = this.#answeredAt.get(answer)
        if (!answer.ETag || !at) throw incomplete(bucket, key)
        return { etag: answer.ETag, at }
      })
    } catch (error) {
      if (CONFLICTS.includes(awsCodeOf(error) ?? '')) return 'conflict'
      throw error
    }
  }
}

function incomplete(bucket: string, key: string): LifeboatError {
  const message = `the answer about '${key}' in bucket '${bucket}' has no ETag or no time`
  return new LifeboatError('Unexpected', message)
}
