import { LifeboatError } from '../../core/errors.ts'
import { RdsFault, type RdsFaultName, rdsModel } from '../protocol/models/rds.ts'

/** Refusals that several actions share, in AWS's words where they are known. */

export { RdsFault }

/** The fault of a shape that came over a wire. */
export function faultNamed(shape: string, message: string): Error {
  if (rdsModel.faultByShape.has(shape)) return new RdsFault(shape as RdsFaultName, message)
  return new LifeboatError('Unexpected', `another region refused with ${shape}: ${message}`)
}

export function invalidValue(message: string) {
  return new RdsFault('InvalidParameterValue', message)
}

export function invalidCombination(message: string) {
  return new RdsFault('InvalidParameterCombination', message)
}

export function unsupported(what: string) {
  return new RdsFault('UnsupportedOperation', `${what} is not available in an embedded region.`)
}

export function instanceNotFound(identifier: string) {
  return new RdsFault('DBInstanceNotFoundFault', `DBInstance ${identifier} not found.`)
}

export function instanceAlreadyExists() {
  return new RdsFault('DBInstanceAlreadyExistsFault', 'DB instance already exists')
}

export function invalidInstanceState(message: string) {
  return new RdsFault('InvalidDBInstanceStateFault', message)
}

export function snapshotNotFound(identifier: string) {
  return new RdsFault('DBSnapshotNotFoundFault', `DBSnapshot ${identifier} not found.`)
}

export function snapshotAlreadyExists(identifier: string) {
  return new RdsFault(
    'DBSnapshotAlreadyExistsFault',
    `Cannot create the snapshot because a snapshot with the identifier ${identifier} already exists.`,
  )
}

export function parameterGroupNotFound(name: string) {
  return new RdsFault('DBParameterGroupNotFoundFault', `DBParameterGroup not found: ${name}`)
}

export function subnetGroupNotFound(name: string) {
  return new RdsFault('DBSubnetGroupNotFoundFault', `DB subnet group '${name}' does not exist.`)
}
