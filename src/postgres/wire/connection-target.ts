/**
 * Where a PostgreSQL server listens and who asks. `tls` is off unless told: regions listen on loopback. With `require` the
 * server must prove by its certificate that it is `host`.
 */
export interface ConnectionTarget {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database?: string
  readonly tls?: 'off' | 'require'
  /** PEM of the authority that the server's certificate must come from; otherwise one that Node trusts. */
  readonly tlsAuthority?: string
  readonly applicationName?: string
  readonly connectTimeoutMs?: number
}
