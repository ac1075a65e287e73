import Table from 'cli-table3'
import picocolors from 'picocolors'

/** Where a command's words go: the result to stdout, everything else to stderr. */
export class Output {
  readonly json: boolean
  /** Whether somebody can watch stderr change: only then spinners and rewritten lines. */
  readonly isLive: boolean
  /** Whether somebody can be asked. Never with `--json`. */
  readonly canAsk: boolean
  readonly colors: ReturnType<typeof picocolors.createColors>

  constructor(o: { json: boolean; environment: NodeJS.ProcessEnv }) {
    const { environment } = o
    const isPlain = environment.TERM === 'dumb' || !!environment.CI
    this.json = o.json
    this.isLive = process.stderr.isTTY === true && !isPlain
    this.canAsk =
      !o.json && this.isLive && process.stdin.isTTY === true && !environment.LIFEBOAT_NO_PROMPT
    this.colors = picocolors.createColors(
      !environment.NO_COLOR && process.stderr.isTTY === true && environment.TERM !== 'dumb',
    )
  }

  /** What was asked for: with `--json` the object, on one line, and else the text for people. */
  result(value: object, text: string): void {
    process.stdout.write(`${this.json ? JSON.stringify(value) : text}\n`)
  }

  /** A line for whoever watches. */
  say(line = ''): void {
    process.stderr.write(`${line}\n`)
  }
}

/** Whether `--json` stands on a command line that could not be read any further. */
export function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return argv.slice(0, end < 0 ? undefined : end).includes('--json')
}

/** Rows under a head, in aligned columns without borders. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const none = Object.fromEntries(
    ['top', 'bottom', 'left', 'right', 'mid'].flatMap((edge) => [
      [edge, ''],
      [`${edge}-mid`, ''],
      [`${edge}-left`, ''],
      [`${edge}-right`, ''],
    ]),
  )
  const aligned = new Table({
    head: [...head],
    chars: { ...none, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  aligned.push(...rows.map((row) => [...row]))
  return aligned
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}
