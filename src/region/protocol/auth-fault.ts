import { Fault } from './fault.ts'

/**
 * Refusals that come before any action, as the query protocol names them, with the name and status that
 * JSON services use for the same thing.
 *
 * Source: "Common Errors" of the RDS API Reference and of the Secrets Manager API Reference.
 */
const AUTH_FAULTS = {
  MissingAuthenticationToken: { status: 403, json: 'MissingAuthenticationTokenException' },
  IncompleteSignature: { status: 400, json: 'IncompleteSignatureException' },
  InvalidClientTokenId: { status: 403, json: 'UnrecognizedClientException' },
  SignatureDoesNotMatch: { status: 403, json: 'InvalidSignatureException' },
  ExpiredToken: { status: 403, json: 'ExpiredTokenException' },
  AccessDenied: { status: 403, json: 'AccessDeniedException' },
  RequestExpired: { status: 400, json: 'InvalidSignatureException' },
} as const

export type AuthFaultName = keyof typeof AUTH_FAULTS

/** A refusal of the signature check or of the authorization; `jsonCode` is what a JSON service calls it. */
export class AuthFault extends Fault<AuthFaultName> {
  readonly jsonCode: string

  /** @param scope  the region that a signature is scoped to, and the one that it should be */
  constructor(
    shape: AuthFaultName,
    message: string,
    readonly scope?: { readonly region: string; readonly expected: string },
  ) {
    super(shape, message, { wireCode: shape, httpStatus: AUTH_FAULTS[shape].status })
    this.jsonCode = AUTH_FAULTS[shape].json
  }
}
