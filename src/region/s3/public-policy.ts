/** Condition keys that limit an access to callers that are known. Source: S3 User Guide, "The meaning of public". */
const LIMITING = [
  'aws:sourcearn',
  'aws:sourceaccount',
  'aws:sourceip',
  'aws:sourcevpc',
  'aws:sourcevpce',
  'aws:sourceowner',
  'aws:userid',
  'aws:principalorgid',
  'aws:principalarn',
  'aws:principalaccount',
  's3:dataaccesspointarn',
  's3:x-amz-server-side-encryption-aws-kms-key-id',
]

interface Statement {
  readonly Effect?: unknown
  readonly Principal?: unknown
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>> | null>>
}

/**
 * Whether a bucket policy gives something to everybody: a statement that allows, names any principal, and has no
 * condition that limits who that is.
 *
 * Unlike AWS: the values of such a condition are not looked at.
 *
 * @param text  a policy that is valid JSON
 */
export function isPublicPolicy(text: string): boolean {
  const { Statement: statements }: { Statement?: Statement | Statement[] } = JSON.parse(text)
  return [statements ?? []].flat().some(({ Effect, Principal, Condition }) => {
    const keys = Object.values(Condition ?? {}).flatMap((test) => Object.keys(test ?? {}))
    const isLimited = keys.some((key) => LIMITING.includes(key.toLowerCase()))
    return Effect === 'Allow' && isAnybody(Principal) && !isLimited
  })
}

function isAnybody(principal: unknown): boolean {
  if (principal === '*') return true
  if (typeof principal !== 'object' || principal === null) return false
  return Object.values(principal).flat().includes('*')
}
