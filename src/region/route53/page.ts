import { invalidInput } from './route53.ts'

/** @param most  how many a page has at most, and when nothing is asked for */
export function pageSize(asked: string | number | undefined, most: number): number {
  if (asked === undefined) return most
  const size = Number(asked)
  if (!Number.isInteger(size) || size < 1) {
    throw invalidInput(`Invalid parameter : MaxItems '${asked}' is not a number greater than 0.`)
  }
  return Math.min(size, most)
}
