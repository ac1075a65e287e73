import type { AccessRequest, Authorizer } from '../protocol/authorization.ts'
import { S3ControlFault, s3ControlModel } from '../protocol/models/s3-control.ts'
import { queryErrorReply } from '../protocol/reply.ts'
import { routeRest } from '../protocol/rest/route.ts'
import { readRestInput } from '../protocol/rest-xml/read-input.ts'
import { writeRestOutput } from '../protocol/rest-xml/write-output.ts'
import type { StreamReply, StreamService } from '../protocol/stream-service.ts'
import type { VerifiedStream } from '../protocol/verified-stream.ts'
import { createJob } from './create-job.ts'
import { describeJob, listJobs } from './describe-job.ts'
import { BATCH_SERVICE, Jobs, type JobsOptions } from './jobs.ts'
import { updateJobPriority, updateJobStatus } from './update-job.ts'

const PATH = '/v20180820/'
/** In bytes. */
const MAX_BODY_BYTES = 1024 * 1024

type Run = (jobs: Jobs, input: never) => Promise<object>

const ACTIONS: Readonly<Record<string, Run>> = {
  CreateJob: createJob,
  DescribeJob: describeJob,
  ListJobs: listJobs,
  UpdateJobPriority: updateJobPriority,
  UpdateJobStatus: updateJobStatus,
}

export interface OpenedS3Control {
  readonly stream: StreamService
  readonly begin: () => void
  readonly close: () => Promise<void>
}

/**
 * S3 Control, as far as S3 Batch Replication needs it. Its clients sign as those of S3 do; a request is for it by its path
 * and account.
 */
export function openS3Control(o: JobsOptions & { authorize: Authorizer }): OpenedS3Control {
  const jobs = new Jobs(o)
  return {
    stream: {
      name: s3ControlModel.name,
      isOpen: false,
      answer: (request, requestId) => answer(jobs, o.authorize, request, requestId),
      refuse: (fault, _head, requestId) => {
        const { status, headers, body } = queryErrorReply(fault, requestId)
        return { status, headers: { ...headers, ...idHeaders(requestId, body) }, body }
      },
    },
    begin: () => jobs.begin(),
    close: () => jobs.close(),
  }
}

/** Whether a request that is signed for S3 is for S3 Control: only its clients name an account. */
export function isS3Control(path: string, hasAccount: boolean): boolean {
  return hasAccount && path.startsWith(PATH)
}

async function answer(
  jobs: Jobs,
  authorize: Authorizer,
  request: VerifiedStream,
  requestId: string,
): Promise<StreamReply> {
  const routed = routeRest(s3ControlModel, request)
  if (!routed) throw new S3ControlFault('InvalidRequestException', 'The path is not known.')
  const { operation, labels } = routed
  const run = ACTIONS[operation.name]
  if (!run) {
    const message = `${operation.name} is not available in an embedded region.`
    throw new S3ControlFault('UnsupportedOperation', message)
  }
  const { query, headers, caller } = request
  const body = await wholeBody(request)
  const input = readRestInput(operation, { labels, query, headers, body })
  for (const access of accessesOf(jobs, operation.name, input)) authorize(caller, access)
  if (input.AccountId !== jobs.o.accountId) {
    throw new S3ControlFault('AccessDenied', 'The account is not that of the caller.')
  }
  const result = await run(jobs, input as never)
  const written = writeRestOutput(operation, result, s3ControlModel.xmlNamespace ?? '')
  const ids = idHeaders(requestId, written.body as string)
  return { status: 200, headers: { ...written.headers, ...ids }, body: written.body }
}

/** Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3". */
function accessesOf(jobs: Jobs, name: string, input: Record<string, unknown>): AccessRequest[] {
  const action = `s3:${name}`
  if (name === 'ListJobs') return [{ action, resource: '*' }]
  if (name !== 'CreateJob') return [{ action, resource: jobs.arnOf(String(input.JobId)) }]
  const context = { 'iam:PassedToService': BATCH_SERVICE }
  return [
    { action, resource: '*' },
    { action: 'iam:PassRole', resource: String(input.RoleArn), context },
  ]
}

async function wholeBody({ body }: VerifiedStream): Promise<Buffer> {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of body) {
    length += piece.length
    if (length > MAX_BODY_BYTES) {
      throw new S3ControlFault('InvalidRequestException', 'Your request was too big.')
    }
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

function idHeaders(requestId: string, body: string): Record<string, string> {
  return { 'x-amz-request-id': requestId, 'content-length': `${Buffer.byteLength(body)}` }
}
