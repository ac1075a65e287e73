import { parseDuration } from '../../core/duration.ts'
import type { NotificationSource, PHASES } from './schema.ts'

export type Phase = (typeof PHASES)[number]

type Settings = {
  readonly name: string
  readonly on: readonly Phase[]
  readonly send: 'automatic' | 'on-approval'
  readonly timeoutSeconds: number
}

/** `env:NAME` or `secret:NAME`: where a secret is found, never the secret (I12). */
export type HiddenPlace = string

/** Who is told. JSON, so that an execution can keep it. */
export type Target = Settings &
  (
    | { readonly kind: 'webhook'; readonly url: string; readonly key: HiddenPlace }
    | { readonly kind: 'slack'; readonly url: HiddenPlace }
    | Mailbox
  )

export type Mailbox = {
  readonly kind: 'email'
  readonly server: { readonly host: string; readonly port: number }
  readonly tls: 'starttls' | 'implicit' | 'none'
  /** The user, and where the password is. */
  readonly login?: { readonly user: string; readonly at: HiddenPlace }
  readonly from: string
  readonly to: readonly string[]
}

export function targetOf(source: NotificationSource): Target {
  const { name, on, send } = source
  const settings = { name, on, send, timeoutSeconds: parseDuration(source.timeout) }
  if (source.kind === 'webhook') {
    return { ...settings, kind: 'webhook', url: source.url, key: source.key }
  }
  if (source.kind === 'slack') return { ...settings, kind: 'slack', url: source.url }
  const { user, password, from, to, tls } = source
  const [host = '', port] = source.server.split(':')
  return {
    ...settings,
    ...{ kind: 'email', server: { host, port: Number(port) }, tls, from, to },
    ...(user !== undefined && password !== undefined && { login: { user, at: password } }),
  }
}
