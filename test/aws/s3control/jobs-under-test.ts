import { Agent } from 'node:http'
import type { LookupFunction } from 'node:net'
import {
  CreateAccessKeyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  PutRolePolicyCommand,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import {
  CreateJobCommand,
  type CreateJobCommandInput,
  DescribeJobCommand,
  type JobDescriptor,
  S3ControlClient,
} from '@aws-sdk/client-s3-control'
import { afterAll } from 'vitest'
import { until } from '../../trials/trial-region.ts'
import { HERE, THERE, twoRegions } from '../s3/two-regions.ts'

export const AccountId = '000000000000'
const RIGHTS = [
  's3:InitiateReplication',
  's3:GetReplicationConfiguration',
  's3:PutInventoryConfiguration',
]

/** Every name under localhost is this machine, also where its resolver does not say so. */
const toLoopback: LookupFunction = (_name, options, done) => {
  if (options.all) done(null, [{ address: '127.0.0.1', family: 4 }])
  else done(null, '127.0.0.1', 4)
}

/** Two regions, and the jobs of the first. */
export function jobsUnderTest() {
  const world = twoRegions()
  const clients: S3ControlClient[] = []
  afterAll(() => {
    for (const client of clients) client.destroy()
  })
  const connect = (credentials: { accessKeyId: string; secretAccessKey: string }) => {
    // The client puts the account before the host's name, which an IP address does not take.
    const { endpoint, ...client } = world.client(HERE)
    const made = new S3ControlClient({
      ...client,
      credentials,
      endpoint: endpoint.replace('127.0.0.1', 'localhost'),
      requestHandler: { httpAgent: new Agent({ keepAlive: true, lookup: toLoopback }) },
    })
    clients.push(made)
    return made
  }
  const control = () => clients[0] ?? connect(world.client(HERE).credentials)
  /** The client of a user who may do these actions and no other. */
  const userWith = async (UserName: string, Action: readonly string[]) => {
    const PolicyDocument = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action, Resource: '*' }],
    })
    await world.iam().send(new CreateUserCommand({ UserName }))
    const policy = { UserName, PolicyName: 'jobs', PolicyDocument }
    await world.iam().send(new PutUserPolicyCommand(policy))
    const { AccessKey } = await world.iam().send(new CreateAccessKeyCommand({ UserName }))
    const { AccessKeyId = '', SecretAccessKey = '' } = AccessKey ?? {}
    return connect({ accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey })
  }
  const jobRole = async (name: string, o: { without?: string; service?: string } = {}) => {
    const Service = o.service ?? 'batchoperations.s3.amazonaws.com'
    const trust = { Effect: 'Allow', Principal: { Service }, Action: 'sts:AssumeRole' }
    const { Role } = await world.iam().send(
      new CreateRoleCommand({
        RoleName: name,
        AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [trust] }),
      }),
    )
    const Action = RIGHTS.filter((right) => right !== o.without)
    const statement = { Effect: 'Allow', Action, Resource: '*' }
    await world.iam().send(
      new PutRolePolicyCommand({
        RoleName: name,
        PolicyName: 'batch',
        PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }),
      }),
    )
    return Role!.Arn!
  }
  const create = async (
    bucket: string,
    RoleArn: string,
    o: Partial<CreateJobCommandInput> & { filter?: object; client?: S3ControlClient } = {},
  ) => {
    const { filter, client = control(), ...further } = o
    const { JobId } = await client.send(
      new CreateJobCommand({
        AccountId,
        RoleArn,
        Priority: 1,
        ConfirmationRequired: false,
        Operation: { S3ReplicateObject: {} },
        Report: { Enabled: false },
        ManifestGenerator: {
          S3JobManifestGenerator: {
            SourceBucket: `arn:aws:s3:::${bucket}`,
            EnableManifestOutput: false,
            Filter: { EligibleForReplication: true, ...filter },
          },
        },
        ...further,
      }),
    )
    return JobId!
  }
  const describe = async (JobId: string) =>
    (await control().send(new DescribeJobCommand({ AccountId, JobId }))).Job!
  return {
    world,
    control,
    userWith,
    jobRole,
    create,
    describe,
    reached: async (id: string, status: string): Promise<JobDescriptor> => {
      let job: JobDescriptor = {}
      await until(`the job is ${status}`, 60_000, async () => {
        job = await describe(id)
        return job.Status === status
      })
      return job
    },
    put: (bucket: string, key: string) =>
      world.s3(HERE).send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: 'body' })),
    /** A source with `keys` that no rule was for, then a rule to a destination. */
    late: async (name: string, keys: readonly string[]) => {
      const source = await world.bucket(HERE, `${name}-source`)
      const destination = await world.bucket(THERE, `${name}-destination`)
      for (const key of keys) {
        await world.s3(HERE).send(new PutObjectCommand({ Bucket: source, Key: key, Body: key }))
      }
      const role = await world.role(`${name}-replication`, source, [destination])
      const rule = {
        ID: 'all',
        Status: 'Enabled',
        Prefix: '',
        Destination: { Bucket: `arn:aws:s3:::${destination}` },
      } as const
      await world.replicate(HERE, source, role, [rule])
      return { source, destination }
    },
    keysThere: async (bucket: string) => (await world.versions(THERE, bucket)).map((v) => v.key),
  }
}
