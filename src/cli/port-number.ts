import { InvalidArgumentError } from 'commander'

/** Reads the value of a `--port` option; 0 lets the system choose. */
export function portNumber(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_535) return port
  throw new InvalidArgumentError('a port is a number from 0 to 65535.')
}
