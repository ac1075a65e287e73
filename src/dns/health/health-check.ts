/** What is watched, and how it is judged. */
export type HealthCheck = Settings & (Endpoint | Calculated | Alarm)

interface Settings {
  readonly id: string
  /** Grows with every change of the check. */
  readonly version: number
  /** Taken for ill when it would be healthy, and the other way round. */
  readonly isInverted: boolean
  /** Not watched, and taken for healthy before it is inverted. */
  readonly isDisabled: boolean
}

/** A server that is asked from several locations. */
export interface Endpoint {
  readonly kind: 'endpoint'
  readonly protocol: 'http' | 'https' | 'tcp'
  /** Without one, that of the host is looked up for each request. */
  readonly address: string | undefined
  readonly host: string | undefined
  readonly port: number
  /** With a slash in front. */
  readonly path: string
  /** What must stand in the first bytes of the body. */
  readonly search: string | undefined
  /** Whether the host is named when TLS begins. */
  readonly sendsServerName: boolean
  readonly intervalSeconds: number
  /** How many results in a row change a checker's mind. */
  readonly threshold: number
  readonly locations: readonly string[]
}

/** Other health checks, of which enough must be healthy. */
export interface Calculated {
  readonly kind: 'calculated'
  readonly children: readonly string[]
  readonly healthyAtLeast: number
}

/** An alarm on a metric of a region. */
export interface Alarm {
  readonly kind: 'alarm'
  readonly alarm: { readonly region: string; readonly name: string }
  /** What it is taken for while the alarm has too little data. */
  readonly whenUnknown: 'healthy' | 'unhealthy' | 'last known'
}

/** What came of one look at an endpoint or an alarm. */
export interface Observation {
  readonly isSuccess: boolean
  /** In words, beginning with `Success` or `Failure`. */
  readonly status: string
  readonly at: string
}

/** What one location thinks of an endpoint. */
export interface Checker {
  readonly location: string
  readonly isHealthy: boolean
  /** How many results in a row have contradicted it. */
  readonly contradictions: number
  readonly last?: Observation
  readonly lastFailure?: Observation
}

/** What is known of a health check, and kept. */
export interface Health {
  readonly id: string
  /** The status by which records are chosen. */
  readonly isHealthy: boolean
  readonly since: string
  /** Of an endpoint one for each location; of an alarm one, whose opinion is that of the last time there was enough data. */
  readonly checkers: readonly Checker[]
  /** Whether the alarm had too little data when it was looked at last. */
  readonly isUnknown?: boolean
}
