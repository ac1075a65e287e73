import { z } from 'zod'
import { notification } from './notifications/schema.ts'
import { ownStep } from './own-steps/schema.ts'
import { witness } from './witnesses/schema.ts'
import { duration, name } from './workload-values.ts'

/** From the cheapest and slowest to the dearest and fastest. */
export const STRATEGIES = [
  'backup-and-restore',
  'pilot-light',
  'warm-standby',
  'active-active',
] as const

const check = z
  .strictObject({
    name: name('What holds while all is well, in words'),
    sql: name('One query that returns one value; it runs in a read-only transaction'),
    expect: z
      .union([z.string(), z.number(), z.boolean(), z.null()])
      .meta({ description: 'The value of the query while all is well' }),
    every: duration('How often the check runs').default('30s'),
    timeout: duration('How long the query may take; after that the result is unknown').default(
      '10s',
    ),
  })
  .meta({ description: 'Something that is true as long as the data is good' })

const reference = z
  .strictObject({
    name: name('What the rows point at, in words'),
    sql: name('A query with one column: the keys of objects that have to be there'),
    every: duration('How often rows and objects are compared').default('5m'),
  })
  .meta({ description: 'Rows of the database that point at objects of the bucket' })

const bucket = z
  .strictObject({
    bucket: name('The bucket that the workload uses'),
    prefixes: z
      .array(name('What keys begin with'))
      .min(1)
      .optional()
      .meta({ description: 'Only these objects are protected; default: all' }),
    replica: z
      .strictObject({
        bucket: name('The bucket in another region that S3 replicates to'),
        region: name('Its AWS Region; default: `regions.recovery`').optional(),
      })
      .optional()
      .meta({ description: 'Where the objects are when the region is lost' }),
    references: z
      .array(reference)
      .min(1)
      .optional()
      .meta({ description: 'By these, database and bucket are brought to one recovery point' }),
  })
  .meta({ description: 'A bucket with versioning that belongs to the workload' })

const service = z
  .strictObject({
    cluster: name('The ECS cluster, of the same name in both regions'),
    service: name('The ECS service, of the same name in both regions'),
    tasks: z.int().min(1).max(5_000).optional().meta({
      description: 'How many tasks it needs; default: as many as it has when the region is lost',
    }),
  })
  .meta({ description: 'An ECS service that uses the database' })

const contact = z
  .strictObject({
    name: name('Who it is'),
    role: name('What they decide or know'),
    reach: name('How to reach them when nothing of the lost region works, in words'),
  })
  .meta({ description: 'Somebody to call' })

/** The workload file as people write it. Its JSON Schema is `schema/lifeboat.schema.json`. */
export const workloadSchema = z
  .strictObject({
    workload: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,40}$/, 'use lower-case letters, digits and hyphens, a letter first')
      .meta({ description: 'The name of what is protected' }),
    objectives: z
      .strictObject({
        rto: duration('Recovery time objective: how long the workload may be down'),
        rpo: duration('Recovery point objective: how many of the newest writes may be lost'),
      })
      .meta({ description: 'What is wanted; what was measured is shown beside it' }),
    regions: z
      .strictObject({
        primary: name('The AWS Region where the workload runs'),
        recovery: name('The AWS Region to recover in when that is lost').optional(),
      })
      .meta({ description: 'Where the workload lives' }),
    database: z
      .strictObject({
        instance: name('The identifier of the RDS DB instance'),
        secret: name('The secret from which the workload takes its login'),
        admin: name(
          'A secret with a login that may revoke and grant; default: `secret`',
        ).optional(),
        standby: name(
          'The identifier of its read replica in `regions.recovery`, which is promoted when the region is lost',
        ).optional(),
        certificates: name(
          'A PEM file of the authorities that the certificate of the database must come from; without it a session is encrypted, but not sure of the server',
        ).optional(),
      })
      .meta({ description: 'The database, by the names that AWS knows' }),
    buckets: z.array(bucket).min(1).optional().meta({ description: 'The objects, in S3' }),
    strategy: z.enum(STRATEGIES).optional().meta({
      description:
        'What stands in `regions.recovery` while all is well; default: by what is named here',
    }),
    services: z.array(service).min(1).optional().meta({ description: 'What serves customers' }),
    publicName: z
      .strictObject({
        name: name('The name that customers look up'),
        zone: name('The id of its Route 53 hosted zone; default: the zone of that name').optional(),
        recovery: name(
          'The address of the workload in `regions.recovery`; default: that of the SECONDARY record',
        ).optional(),
      })
      .optional()
      .meta({ description: 'Where customers find the workload, whichever region serves it' }),
    checks: z.array(check).min(1).meta({ description: 'At least one; more is better' }),
    http: z
      .strictObject({
        url: z.url({ protocol: /^https?$/ }).meta({ description: 'An address that writes' }),
        method: z.enum(['POST', 'PUT', 'GET']).default('POST'),
        body: z.string().optional(),
        timeout: duration('How long an answer may take').default('5s'),
      })
      .optional()
      .meta({ description: 'A write through the public name, to see that the workload works' }),
    tables: z
      .array(name('A table, with its schema unless that is public'))
      .min(1)
      .optional()
      .meta({ description: 'Only these tables are counted and compared; default: all' }),
    ignore: z
      .array(name('A table, with its schema unless that is public'))
      .optional()
      .meta({ description: 'These tables are neither counted nor compared' }),
    contacts: z
      .array(contact)
      .min(1)
      .optional()
      .meta({ description: 'Whom to call when a region is lost, in this order' }),
    notifications: z
      .array(notification)
      .min(1)
      .optional()
      .meta({ description: 'Who is told of a recovery, and of what the watch sees' }),
    witnesses: z
      .array(witness)
      .min(1)
      .optional()
      .meta({ description: 'Monitors of others, which tell `lifeboat watch` what they see' }),
    steps: z
      .array(ownStep)
      .min(1)
      .optional()
      .meta({ description: 'Steps of your own, for what Lifeboat does not know' }),
    lock: z
      .strictObject({
        bucket: name('A bucket that every Lifeboat of this workload can write to'),
        region: name(
          'The AWS Region of the bucket, best a third one: while it is away nothing goes on; default: `regions.recovery`, else `regions.primary`',
        ).optional(),
        prefix: name('What the key of the lock begins with; default: `lifeboat/locks/`').optional(),
      })
      .optional()
      .meta({
        description:
          'Where Lifeboats on several machines agree that one execution at a time owns the workload',
      }),
  })
  .meta({
    title: 'Lifeboat workload file',
    description: 'What to protect, and how to see that it is well',
  })

export type WorkloadSource = z.infer<typeof workloadSchema>

/** The JSON Schema that editors use to complete and check `lifeboat.yaml`. */
export function workloadJsonSchema(): object {
  return z.toJSONSchema(workloadSchema, { io: 'input', target: 'draft-7' })
}
