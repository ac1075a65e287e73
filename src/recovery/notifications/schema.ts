import { z } from 'zod'
import { duration, hidden, name } from '../workload-values.ts'

/** What of an execution people are told. */
export const EXECUTION_PHASES = ['started', 'gate', 'completed', 'failed', 'canceled'] as const

/** What the watch tells people. */
export const WATCH_PHASES = ['check-red', 'check-green', 'region-lost', 'fence-debt'] as const

export const PHASES = [...EXECUTION_PHASES, ...WATCH_PHASES] as const

const every = {
  name: name('What this target is called, in lists and reports'),
  on: z
    .array(z.enum(PHASES))
    .min(1)
    .default([...PHASES])
    .meta({ description: 'Of what it is told; default: all' }),
  send: z.enum(['automatic', 'on-approval']).default('on-approval').meta({
    description: 'Whether an update goes out by itself, or when a person has read it',
  }),
  timeout: duration('How long sending may take').default('10s'),
}

const webhook = z
  .strictObject({
    ...every,
    kind: z.literal('webhook'),
    url: z.url({ protocol: /^https?$/ }).meta({ description: 'Takes a POST of JSON' }),
    key: hidden('The key by which the request is signed'),
  })
  .meta({ description: 'A signed request with everything as JSON' })

const slack = z
  .strictObject({
    ...every,
    kind: z.literal('slack'),
    url: hidden('The address of the incoming webhook, which is a secret itself'),
  })
  .meta({ description: 'A channel of Slack, or of what takes the same requests' })

const email = z
  .strictObject({
    ...every,
    kind: z.literal('email'),
    server: z
      .string()
      .regex(/^[^\s:]+:\d{1,5}$/, 'write host:port')
      .meta({ description: 'The SMTP server, as `smtp.example.com:587`' }),
    tls: z.enum(['starttls', 'implicit', 'none']).default('starttls').meta({
      description: 'How the session is encrypted; `none` only on a network of your own',
    }),
    user: name('The login at the SMTP server').optional(),
    password: hidden('The password of `user`').optional(),
    from: z.email().meta({ description: 'The address of the sender' }),
    to: z.array(z.email()).min(1).meta({ description: 'Who reads it' }),
  })
  .meta({ description: 'A mail' })

/** One target of notifications, as people write it. */
export const notification = z.discriminatedUnion('kind', [webhook, slack, email])

export type NotificationSource = z.infer<typeof notification>
