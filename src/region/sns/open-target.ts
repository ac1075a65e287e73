import { Fault } from '../protocol/fault.ts'
import { parseForm } from '../protocol/form.ts'
import { headersByName, type RawHead, splitTarget } from '../protocol/raw-request.ts'

/** What nobody signs: the URLs in messages, which endpoints visit, and the certificate. */
export type OpenTarget =
  | { readonly kind: 'certificate'; readonly region: string; readonly name: string }
  | {
      readonly kind: 'action'
      readonly region: string
      readonly action: 'ConfirmSubscription' | 'Unsubscribe'
      readonly parameters: ReadonlyMap<string, string>
    }

/** Undefined when a request is another one. */
export function openTargetOf({ method, target, rawHeaders }: RawHead): OpenTarget | undefined {
  if (method !== 'GET' && method !== 'POST') return undefined
  const { path, queryText } = splitTarget(target)
  const [, region] = /^\/SimpleNotificationService-([a-z0-9-]+)-[0-9a-f]{32}\.pem$/.exec(path) ?? []
  if (region !== undefined) return { kind: 'certificate', region, name: path.slice(1) }
  if (path !== '/' || headersByName(rawHeaders).has('authorization')) return undefined
  const parameters = parsed(queryText)
  const action = parameters?.get('Action')
  if (action !== 'ConfirmSubscription' && action !== 'Unsubscribe') return undefined
  const isSigned = [...parameters!.keys()].some((name) => /^x-amz-/i.test(name))
  const arn = parameters!.get('TopicArn') ?? parameters!.get('SubscriptionArn') ?? ''
  const [, , service, named = ''] = arn.split(':')
  if (isSigned || service !== 'sns') return undefined
  return { kind: 'action', region: named, action, parameters: parameters! }
}

function parsed(queryText: string): Map<string, string> | undefined {
  try {
    return parseForm(queryText)
  } catch (error) {
    if (error instanceof Fault) return undefined
    throw error
  }
}
