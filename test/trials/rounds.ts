/**
 * Trials have a short form, which `npm test` runs, and a long one: `LIFEBOAT_ROUNDS=50 npm test test/recovery/…`.
 * `LIFEBOAT_SEED` repeats the random choices of a run that failed.
 */
const asked = process.env.LIFEBOAT_ROUNDS

/** How many rounds to run: as many as were asked for, else `short`. */
export function rounds(short: number): number {
  return asked === undefined ? short : Number(asked)
}

/** Time for a trial, in milliseconds: what the short form may take, and more for each round that was asked for. */
export function timeFor(perRoundMs: number, short: number): number {
  return 90_000 + perRoundMs * rounds(short)
}

/** Prints what a long run has measured. */
export function figures(trial: string, measured: Record<string, string | number>): void {
  if (asked === undefined) return
  const words = Object.entries(measured).map(([name, value]) => `${name} ${value}`)
  process.stdout.write(`${trial}: ${words.join(', ')}\n`)
}

/** Random numbers in [0, 1) that a seed repeats. Source: mulberry32, by Tommy Ettinger. */
export class Chance {
  #state: number

  constructor(readonly seed: number = Number(process.env.LIFEBOAT_SEED ?? Date.now() % 1_000_000)) {
    this.#state = seed
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low)
  }

  pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.next() * choices.length)]!
  }
}
