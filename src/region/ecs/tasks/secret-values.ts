import type { Clock } from '../../../core/clock.ts'
import { jsonIn } from '../../../core/json.ts'
import { CallRefusal, callJson } from '../../protocol/json-call.ts'
import type { SessionKeys } from '../../protocol/signed-headers.ts'
import type { Container } from '../task-definition.ts'
import { parseSecretReference, type SecretReference } from './secret-reference.ts'
import { StartFailure } from './start-failure.ts'

/** How often a region that does not answer is asked, and how long the waits between are, in milliseconds. */
const ATTEMPTS = 3
const WAIT_MS = 500
const CALL_TIMEOUT_MS = 5000

export interface SecretValuesOptions {
  readonly region: string
  /** Where a region answers, as `http://127.0.0.1:4566`. */
  readonly endpointOf: (region: string) => string
  readonly clock: Clock
}

/**
 * The values that a container's secrets have now, by the names of its variables. They are asked of Secrets Manager in the
 * region that the reference names, under the task's execution role.
 *
 * @throws StartFailure in the words of ECS, which never quote a value (I12)
 */
export async function secretValues(
  container: Container,
  keys: SessionKeys,
  o: SecretValuesOptions,
): Promise<Record<string, string>> {
  const values: Record<string, string> = {}
  for (const { name = '', valueFrom = '' } of container.secrets ?? []) {
    const reference = parseSecretReference(valueFrom)
    values[name] = valueIn(await textOf(reference, keys, o), reference)
  }
  return values
}

async function textOf(
  reference: SecretReference,
  keys: SessionKeys,
  o: SecretValuesOptions,
): Promise<string> {
  const { arn, region, versionId, versionStage } = reference
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { SecretString } = await callJson({
        from: o.region,
        endpoint: o.endpointOf(region),
        region,
        service: 'secretsmanager',
        target: 'secretsmanager.GetSecretValue',
        input: { SecretId: arn, VersionId: versionId, VersionStage: versionStage },
        keys,
        now: o.clock.now(),
        timeoutMs: CALL_TIMEOUT_MS,
      })
      if (typeof SecretString === 'string') return SecretString
      throw unable(attempt, `secret ${arn} from Secrets Manager has no text`)
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException
      if (error instanceof CallRefusal) {
        const what = `${error.code}: ${error.message}`
        throw unable(attempt, `failed to fetch secret ${arn} from secrets manager: ${what}`)
      }
      if (error instanceof StartFailure) throw error
      if (attempt === ATTEMPTS) {
        const what = `RequestError: region ${region} does not answer${code && ` (${code})`}`
        throw unable(attempt, `failed to fetch secret ${arn} from secrets manager: ${what}`)
      }
      await o.clock.sleep(WAIT_MS * attempt)
    }
  }
}

function valueIn(text: string, { jsonKey }: SecretReference): string {
  if (jsonKey === undefined) return text
  const fields = parseFields(text)
  if (!fields || !Object.hasOwn(fields, jsonKey)) {
    throw unable(1, `retrieved secret from Secrets Manager did not contain json key ${jsonKey}`)
  }
  const value = fields[jsonKey]
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function parseFields(text: string): Record<string, unknown> | undefined {
  const value = jsonIn(text)
  return typeof value === 'object' && value !== null ? { ...value } : undefined
}

function unable(attempts: number, what: string): StartFailure {
  return new StartFailure(
    'ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: ' +
      `unable to retrieve secret from asm: service call has been retried ${attempts} time(s): ${what}`,
  )
}
