import { z } from 'zod'
import { duration, name } from '../workload-values.ts'
import { FUNCTION_NAME } from './function-name.ts'

const command = z
  .array(z.string())
  .min(1)
  .meta({ description: 'A program and what it is given; no shell reads it' })

const http = z
  .strictObject({
    url: z.url({ protocol: /^https?$/ }).meta({ description: 'Without credentials' }),
    method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).default('GET'),
    body: z.string().optional().meta({ description: 'Sent as JSON' }),
    status: z.int().min(100).max(599).optional().meta({
      description: 'The status that is wanted; default: any from 200 to 299',
    }),
  })
  .meta({ description: 'A request over HTTP; redirects are not followed' })

const lambda = z
  .strictObject({
    function: z
      .string()
      .regex(FUNCTION_NAME, 'use the name, the partial ARN or the ARN of a function')
      .meta({ description: 'Its name or its ARN' }),
    region: z.enum(['primary', 'recovery']).optional().meta({
      description:
        'Which region it is in; default: recovery in `region-failure`, as the other one is lost then, else primary',
    }),
    payload: z.json().optional().meta({ description: 'What it is given; default: {}' }),
  })
  .meta({
    description:
      'An AWS Lambda function, which is called and waited for. It finds the facts of the execution in `custom` of its client context',
  })

/** Exactly one of them; see `ownStepMistakes`. */
const doing = { command: command.optional(), http: http.optional(), lambda: lambda.optional() }

const need = z
  .strictObject({
    api: name('As `sqs`, `eks`, `http`'),
    where: z.enum(['primary', 'recovery', 'global']).meta({ description: 'Which region it is in' }),
    plane: z.enum(['control', 'data']).meta({
      description: 'Whether it changes resources, or goes on with those that there are',
    }),
    without: name('What the step does when that is lost').optional(),
  })
  .meta({ description: 'Something that the step reaches' })

/** One step of the user's own, as people write it. */
export const ownStep = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,40}$/, 'use lower-case letters, digits and hyphens, a letter first')
      .meta({ description: 'What the step is called' }),
    title: name('What it does, as an imperative; default: its name').optional(),
    runbook: z.enum(['data-corruption', 'region-failure', 'failback']).meta({
      description: 'The runbook that it belongs to',
    }),
    after: name('The step of the runbook after which it comes; what follows that one waits for it'),
    owner: name('Who knows about it'),
    deadline: duration('How long it may take, its check included').default('10m'),
    needs: z.array(need).optional().meta({
      description:
        'All that it reaches; must be said in a runbook for a lost region, unless it does all by `lambda` or `manual`',
    }),
    idempotent: z.boolean().default(false).meta({
      description:
        'Whether it may run twice; if not, a person is asked when Lifeboat died in the middle of it',
    }),
    pass: z.array(name('The name of a variable')).optional().meta({
      description: "Variables of Lifeboat's own environment that its commands are given",
    }),
    ...doing,
    manual: name('What a person has to do, and then confirms').optional(),
    check: z.strictObject(doing).optional().meta({
      description:
        'What must hold afterwards; tried until it does. Without it, what the step has reached is unknown',
    }),
    undo: z.strictObject(doing).optional().meta({
      description: 'What takes it back when the execution is canceled; it may run twice',
    }),
  })
  .meta({ description: 'A step for something that Lifeboat does not know' })

export type OwnStepSource = z.infer<typeof ownStep>
export type DoingSource = z.infer<typeof ownStep.shape.check>
