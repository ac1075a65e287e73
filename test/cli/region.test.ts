import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lifeboat, temporaryFolder } from './lifeboat.ts'

describe('lifeboat region', () => {
  const one = temporaryFolder()
  const other = temporaryFolder()

  beforeAll(async () => {
    const { code, stderr } = await lifeboat(
      ['region', 'start', 'ap-southeast-1', '--port', '0', '--detach'],
      { home: one.path },
    )
    expect(stderr).toBe('for AWS clients: eval "$(lifeboat region env)"\n')
    expect(code).toBe(0)
  })
  afterAll(async () => {
    for (const { path, remove } of [one, other]) {
      await lifeboat(['region', 'stop'], { home: path })
      remove()
    }
  })

  test('env prints what a shell can evaluate', async () => {
    const { stdout } = await lifeboat(['region', 'env'], { home: one.path })
    expect(stdout).toMatch(/^export AWS_ENDPOINT_URL='http:\/\/127\.0\.0\.1:\d+'$/m)
    expect(stdout).toMatch(/^export AWS_SECRET_ACCESS_KEY='\w+'$/m)
    expect(stdout).toMatch(/^export LIFEBOAT_DNS='127\.0\.0\.1:\d+'$/m)
    expect(stdout.split('\n').filter((line) => line && !line.startsWith('export '))).toEqual([])
  })

  test('status tells which regions run', async () => {
    const { stdout } = await lifeboat(['region', 'status', '--json'], { home: one.path })
    expect(JSON.parse(stdout)).toMatchObject({
      endpoint: expect.stringMatching(/^http:/),
      dnsAddress: expect.stringMatching(/^127/),
      regions: [{ name: 'ap-southeast-1', status: 'running' }],
      global: { status: 'running' },
      dns: { status: 'running' },
    })
  })

  test('another home has none of them, keys of its own, and does not stop them', async () => {
    const missing = await lifeboat(['region', 'env', '--json'], { home: other.path })
    expect(missing.code).toBe(40)
    expect(JSON.parse(missing.stdout)).toMatchObject({ error: { code: 'RegionUnreachable' } })

    const start = ['region', 'start', '--port', '0', '--detach']
    expect((await lifeboat(start, { home: other.path })).code).toBe(0)
    expect((await lifeboat(['region', 'stop'], { home: other.path })).code).toBe(0)
    const { stdout } = await lifeboat(['region', 'status', '--json'], { home: one.path })
    expect(JSON.parse(stdout).regions[0].status).toBe('running')
  })

  test('takes the delay of IAM when it starts, and not while it runs', async () => {
    const start = ['region', 'start', '--port', '0', '--detach', '--iam-delay']
    expect((await lifeboat([...start, '1.5'], { home: other.path })).code).toBe(2)
    expect((await lifeboat([...start, '1000'], { home: other.path })).code).toBe(0)
    const again = await lifeboat([...start, '0'], { home: other.path })
    expect(again.stderr).toContain('AlreadyRunning')
    await lifeboat(['region', 'stop'], { home: other.path })
  })

  test('takes what health checks may reach, and how fast they are, when these can be meant', async () => {
    const start = ['region', 'start', '--port', '0', '--detach']
    for (const more of [
      ['--check-speed', '0.5'],
      ['--check-speed', 'fast'],
      ['--check-targets', '10.0.0.0/33'],
      ['--check-targets', '10.0.0.1,example.com'],
    ]) {
      const { code, stderr } = await lifeboat([...start, ...more], { home: other.path })
      expect([more, code]).toEqual([more, 2])
      expect(stderr).toContain(more[1]!.split(',').at(-1))
    }
    const { stdout } = await lifeboat(['region', 'status', '--json'], { home: other.path })
    expect(JSON.parse(stdout).endpoint).toBeUndefined()
  })

  test('a port that is taken is named, with its code', async () => {
    const squatter = createServer()
    await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve))
    const { port } = squatter.address() as { port: number }
    try {
      const args = ['region', 'start', '--port', String(port), '--detach']
      const { code, stderr } = await lifeboat(args, { home: other.path })
      expect(code).toBe(22)
      expect(stderr).toContain(String(port))
      expect(stderr).toContain('code:  PortTaken (exit 22)')
    } finally {
      squatter.close()
    }
  })

  test('in the foreground Ctrl-C stops it, with the exit code of an interruption', async () => {
    const interrupt = new AbortController()
    const running = lifeboat(['region', 'start', '--port', '0'], {
      home: other.path,
      signal: interrupt.signal,
    })
    await expect
      .poll(
        async () => {
          const { stdout } = await lifeboat(['region', 'status', '--json'], { home: other.path })
          return JSON.parse(stdout).endpoint
        },
        { timeout: 60_000 },
      )
      .toMatch(/^http:/)
    interrupt.abort()
    expect((await running).code).toBe(130)
    const { stdout } = await lifeboat(['region', 'status', '--json'], { home: other.path })
    expect(JSON.parse(stdout).endpoint).toBeUndefined()
  })
})
