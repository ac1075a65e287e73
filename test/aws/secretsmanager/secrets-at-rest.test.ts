import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { secretsUnderTest } from './secrets-under-test.ts'

describe('secrets at rest', () => {
  const region = secretsUnderTest()
  const CANARY = 'canary-of-the-value-at-rest'

  const files = async () => {
    const names = await readdir(region.folder(), { recursive: true, withFileTypes: true })
    return names
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
  }

  test('stand in no file in clear, nor in base64', async () => {
    await region.sdk().createSecret({ Name: 'sealed', SecretString: CANARY })
    await region.sdk().putSecretValue({ SecretId: 'sealed', SecretString: `${CANARY}-2` })
    const encoded = Buffer.from(JSON.stringify({ string: CANARY })).toString('base64')
    for (const file of await files()) {
      const text = await readFile(file, 'latin1')
      expect(text).not.toContain(CANARY)
      expect(text).not.toContain(encoded.slice(0, 24))
      expect((await stat(file)).mode & 0o077, file).toBe(0)
    }
  })

  test('are refused when a bit of them, or their place, was changed', async () => {
    await region.sdk().createSecret({ Name: 'moved', SecretString: 'x' })
    const folder = join(region.folder(), 'documents', 'secretsmanager', 'secrets')
    const documents = await Promise.all(
      (await readdir(folder)).map(async (name) => {
        const file = join(folder, name)
        return { file, held: JSON.parse(await readFile(file, 'utf8')) }
      }),
    )
    const from = documents.find(({ held }) => held.key === 'sealed')!.held
    const into = documents.find(({ held }) => held.key === 'moved')!
    into.held.document.versions[0].sealed = from.document.versions[0].sealed
    await writeFile(into.file, JSON.stringify(into.held))
    await region.restart()
    expect(await refusal(region.value('moved'))).toBe('DecryptionFailure')
    expect(await region.value('sealed')).toBe(`${CANARY}-2`)
  })
})
