/** How one error leaves the region: its code on the wire and the HTTP status it travels with. */
export interface FaultShape {
  readonly wireCode: string
  readonly httpStatus: number
}

/**
 * Errors that every service answers but no service model lists.
 *
 * Source: the "Common Errors" page of each API reference. `UnsupportedOperation` stands for what a
 * service model knows and an embedded region does not have.
 */
export const COMMON_FAULTS = {
  AccessDenied: { wireCode: 'AccessDenied', httpStatus: 403 },
  InternalFailure: { wireCode: 'InternalFailure', httpStatus: 500 },
  InvalidParameterCombination: { wireCode: 'InvalidParameterCombination', httpStatus: 400 },
  InvalidParameterValue: { wireCode: 'InvalidParameterValue', httpStatus: 400 },
  MissingParameter: { wireCode: 'MissingParameter', httpStatus: 400 },
  ServiceUnavailable: { wireCode: 'ServiceUnavailable', httpStatus: 503 },
  UnsupportedOperation: { wireCode: 'UnsupportedOperation', httpStatus: 400 },
  ValidationException: { wireCode: 'ValidationException', httpStatus: 400 },
} as const satisfies Record<string, FaultShape>

export type CommonFault = keyof typeof COMMON_FAULTS

/**
 * An AWS error as a client will see it: a shape of the service model, or a common error.
 *
 * Services throw their own subclass (`RdsFault`), whose shapes are those of their model; the wire code and
 * the status are looked up there. The message goes to the client: no paths, no secrets, no causes.
 */
export class Fault<Shape extends string = string> extends Error {
  override readonly name = 'Fault'
  readonly wireCode: string
  readonly httpStatus: number

  constructor(
    readonly shape: Shape,
    message: string,
    { wireCode, httpStatus }: FaultShape,
  ) {
    super(message)
    this.wireCode = wireCode
    this.httpStatus = httpStatus
  }
}

/** A common error of `COMMON_FAULTS`. */
export function commonFault(shape: CommonFault, message: string): Fault<CommonFault> {
  return new Fault(shape, message, COMMON_FAULTS[shape])
}
