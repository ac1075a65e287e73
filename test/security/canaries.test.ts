import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SecretsManager } from '@aws-sdk/client-secrets-manager'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { systemRandom } from '../../src/core/random.ts'
import { RegionHome } from '../../src/region/region-home.ts'
import { refusal } from '../aws/region-under-test.ts'
import { bytesOf, type Signing, signed } from './drafts.ts'
import { basicTime } from './forgeries.ts'
import { awsErrorCode, RawConnection } from './raw-connection.ts'

/** Secrets are seeded where a region meets them; afterwards they stand nowhere but where they belong (I12). */
describe('secrets leave no trace', () => {
  const REGION = 'ap-southeast-1'
  const canary = `canary-${systemRandom.hex(32)}`
  let folder: string
  let home: RegionHome
  let signing: Signing
  const pids: number[] = []

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-canary-'))
    await chmod(folder, 0o711)
    home = new RegionHome(folder)
    const started = await home.start([REGION], { port: 0, detach: true })
    const environment = await home.environment()
    const credentials = {
      accessKeyId: environment.AWS_ACCESS_KEY_ID!,
      secretAccessKey: environment.AWS_SECRET_ACCESS_KEY!,
    }
    const status = await home.status()
    pids.push(status.gatewayPid!, ...status.regions.map(({ pid }) => pid!))

    const secrets = new SecretsManager({ region: REGION, endpoint: started.endpoint, credentials })
    await secrets.createSecret({ Name: 'kept', SecretString: canary })
    await secrets.putSecretValue({ SecretId: 'kept', SecretString: `${canary}-2` })
    expect((await secrets.getSecretValue({ SecretId: 'kept' })).SecretString).toBe(`${canary}-2`)
    expect(await refusal(secrets.createSecret({ Name: 'kept', SecretString: canary }))).toBe(
      'ResourceExistsException',
    )

    // Requests that fail with the canary in their hands.
    const time = basicTime(systemClock.now())
    const scope = { date: time.slice(0, 8), region: REGION, service: 'secretsmanager' }
    signing = { ...credentials, time, scope }
    const connection = new RawConnection(started.port)
    for (const body of [
      `{"SecretId": "kept", "SecretString": "${canary}"`,
      `{"SecretId": "kept", "SecretString": ["${canary}"]}`,
      `{"SecretId": "absent", "SecretString": "${canary}"}`,
      `{"SecretId": "kept", "SecretString": "${canary}", "VersionStages": []}`,
      `${canary}`,
    ]) {
      const draft = {
        method: 'POST',
        path: '/',
        query: [],
        headers: [
          ['Host', 'a'],
          ['Content-Type', 'application/x-amz-json-1.1'],
          ['X-Amz-Target', 'secretsmanager.PutSecretValue'],
        ] as [string, string][],
        body,
      }
      const reply = await connection.send(bytesOf(signed(draft, signing)))
      expect(awsErrorCode(reply)).toMatch(/Exception$/)
      expect(reply?.body).not.toContain(canary)
    }
    connection.close()
  })
  afterAll(async () => {
    await home.stop()
    await rm(folder, { recursive: true, force: true })
  })

  async function places(): Promise<[string, Buffer][]> {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    const files = entries
      .filter((entry) => entry.isFile() && !entry.parentPath.includes('/postgresql'))
      .map((entry) => join(entry.parentPath, entry.name))
    const inProcesses = pids.flatMap((pid) => [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`])
    return await Promise.all(
      [...files, ...inProcesses].map(
        async (file) => [file, await readFile(file)] as [string, Buffer],
      ),
    )
  }

  test('of values, in no file, argument or environment', async () => {
    const found = (await places()).filter(([, bytes]) => bytes.includes(canary))
    expect(found.map(([place]) => place)).toEqual([])
  })

  test('of the root key, in its own file alone', async () => {
    const found = (await places()).filter(([, bytes]) => bytes.includes(signing.secretAccessKey))
    expect(found.map(([place]) => place)).toEqual([join(folder, 'credentials.json')])
  })

  test('and the logs are empty, for nothing of this was a failure of ours', async () => {
    for (const log of ['gateway/gateway.log', `regions/${REGION}/region.log`]) {
      expect(await readFile(join(folder, log), 'utf8')).toBe('')
    }
  })
})
