import { clientError } from './checks.ts'

/**
 * Memory in MiB that may go with so many CPU units on Fargate: from, to, in steps of.
 *
 * Source: ECS Developer Guide, "Task size" (Fargate).
 */
const FARGATE_SIZES: Readonly<Record<number, readonly [from: number, to: number, step: number]>> = {
  256: [512, 2048, 512],
  512: [1024, 4096, 1024],
  1024: [2048, 8192, 1024],
  2048: [4096, 16_384, 1024],
  4096: [8192, 30_720, 1024],
  8192: [16_384, 61_440, 4096],
  16384: [32_768, 122_880, 8192],
}

/** CPU units and MiB of a task. Unlike AWS: sizes are checked and kept, and limit nothing. */
export interface TaskSize {
  readonly cpu?: string
  readonly memory?: string
}

/**
 * A task's size as ECS keeps it: `.5 vCPU` is 512, `1 GB` is 1024.
 *
 * @throws EcsFault `ClientException`
 */
export function checkedSize(cpu: string | undefined, memory: string | undefined): TaskSize {
  return {
    ...(cpu === undefined ? {} : { cpu: `${amount(cpu, /vcpu/i, 'cpu')}` }),
    ...(memory === undefined ? {} : { memory: `${amount(memory, /gb/i, 'memory')}` }),
  }
}

/** Whether Fargate has tasks of that size. 256 CPU units also go with 512 MiB and 1 or 2 GB only. */
export function isFargateSize({ cpu, memory }: TaskSize): boolean {
  const range = FARGATE_SIZES[Number(cpu ?? 0)]
  const mib = Number(memory ?? 0)
  if (!range) return false
  if (cpu === '256') return [512, 1024, 2048].includes(mib)
  const [from, to, step] = range
  return mib >= from && mib <= to && (mib - from) % step === 0
}

function amount(text: string, unit: RegExp, what: string): number {
  const hasUnit = unit.test(text)
  const value = Number(hasUnit ? text.replace(unit, '').trim() : text) * (hasUnit ? 1024 : 1)
  if (Number.isInteger(value) && value > 0 && value <= 1_000_000) return value
  throw clientError(`Invalid '${what}' setting for task.`)
}
