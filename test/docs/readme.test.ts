import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { lifeboat, temporaryFolder } from '../cli/lifeboat.ts'

const root = join(import.meta.dirname, '..', '..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const program = join(root, 'bin', 'lifeboat')

/** The lines of the README's code blocks in one language, without comments. */
function blocks(language: string): string[][] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    (match) => match[1]!.trimEnd().split('\n'),
  )
}

const withoutComment = (line: string) => line.replace(/\s+#.*$/, '')

describe('README.md', () => {
  const folder = temporaryFolder()
  const home = join(folder.path, 'home')
  afterAll(async () => {
    await lifeboat(['region', 'stop'], { home })
    folder.remove()
  })

  test('is short', () => {
    expect(readme.split('\n').length).toBeLessThanOrEqual(150)
  })

  test('links to files that exist', () => {
    const links = [...readme.matchAll(/\]\((?!http)([^)#]+)\)/g)].map((match) => match[1]!)
    expect(links.length).toBeGreaterThan(5)
    for (const link of links) expect(() => readFileSync(join(root, link))).not.toThrow(/ENOENT/)
  })

  test('every command for this machine runs, in its order', async () => {
    const [commands] = blocks('sh')
    // The default port may be taken where tests run.
    const script = commands!
      .map(withoutComment)
      .map((line) => line.replace('--detach', '--detach --port 0'))
    const { code, output } = await shell(['set -e', ...script].join('\n'))
    expect(code, output).toBe(0)
  })

  test('the workload file is the one of the example', () => {
    const [file] = blocks('yaml')
    const example = readFileSync(join(root, 'examples', 'shop', 'lifeboat.yaml'), 'utf8')
    const content = (lines: string[]) => lines.filter((line) => !line.startsWith('#'))
    expect(content(file!)).toEqual(content(example.trimEnd().split('\n')))
  })

  test('every command for AWS is one that the program takes', async () => {
    const commands = readme
      .split('\n')
      .filter((line) => /^lifeboat /.test(line))
      .map((line) => withoutComment(line).split(' ').slice(1))
    expect(commands.length).toBe(8)
    for (const args of commands) {
      // In an empty folder each ends at the first thing it needs; a command line that is wrong ends with 2.
      const named = args.map((arg) => (arg === 'lifeboat.yaml' ? '/nonexistent.yaml' : arg))
      const { stdout } = await lifeboat([...named, '--json'], { home })
      expect(JSON.parse(stdout).error?.code ?? 'none').not.toBe('InvalidUsage')
    }
  })

  /** Runs a script in bash, where `npx` starts the program of this checkout without npm. */
  function shell(script: string): Promise<{ code: number | null; output: string }> {
    const bin = join(folder.path, 'bin')
    mkdirSync(bin, { recursive: true })
    writeFileSync(
      join(bin, 'npx'),
      `#!/bin/sh\nshift\nexec '${process.execPath}' '${program}' "$@"\n`,
    )
    chmodSync(join(bin, 'npx'), 0o755)
    return new Promise((resolve, reject) => {
      const child = spawn('bash', ['-c', script], {
        cwd: root,
        env: { PATH: `${bin}:${process.env.PATH}`, HOME: folder.path, LIFEBOAT_HOME: home },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let output = ''
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk) => {
          output += chunk
        })
      }
      child.on('error', reject)
      child.on('close', (code) => resolve({ code, output }))
    })
  }
})
