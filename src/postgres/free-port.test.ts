import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { freePort } from './free-port.ts'

test('hands out ports that no outgoing connection can take, each once', async () => {
  const ports = await Promise.all(Array.from({ length: 50 }, () => freePort()))
  const [first] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split('\t')
  expect(new Set(ports).size).toBe(50)
  expect(Math.max(...ports)).toBeLessThan(Number(first))
  expect(Math.min(...ports)).toBeGreaterThan(1023)
})

test('passes over a port that somebody listens on', async () => {
  const port = await freePort()
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(port + 1, '127.0.0.1', resolve))
  // The same numbers again: first the port that was handed out, then the one that is taken, then a free one.
  const sequence = [port, port + 1, port + 2].map((wanted) => (wanted - 10_000).toString(16))
  const next = await freePort({ hex: () => sequence.shift() ?? '0' })
  expect([port, port + 1]).not.toContain(next)
  server.close()
})
