import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type TarEntry, TarReader } from './tar-reader.ts'

test('reads what tar writes, however it is cut into pieces', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lifeboat-tar-'))
  mkdirSync(join(folder, 'in', 'base', '5'), { recursive: true })
  writeFileSync(join(folder, 'in', 'base', '5', '16384'), Buffer.alloc(20_000, 'page'))
  writeFileSync(join(folder, 'in', 'empty'), '')
  writeFileSync(join(folder, 'in', 'base', 'odd'), 'x'.repeat(513))
  symlinkSync('/elsewhere', join(folder, 'in', 'link'))
  execFileSync('tar', [
    '--format=ustar',
    '--sort=name',
    '-C',
    join(folder, 'in'),
    '-cf',
    join(folder, 'out'),
    '.',
  ])
  const archive = readFileSync(join(folder, 'out'))
  for (const size of [1, 100, 512, 700, archive.length]) {
    const reader = new TarReader()
    const entries: (Pick<TarEntry, 'path' | 'kind' | 'length'> & { content: string })[] = []
    for (let at = 0; at < archive.length; at += size) {
      for (const piece of reader.feed(archive.subarray(at, at + size))) {
        if ('entry' in piece) {
          const { path, kind, length } = piece.entry
          entries.push({ path, kind, length, content: '' })
        } else entries.at(-1)!.content += piece.content.toString()
      }
    }
    expect(entries.filter(({ path }) => path !== '.' && path !== '')).toEqual([
      { path: 'base', kind: 'folder', length: 0, content: '' },
      { path: 'base/5', kind: 'folder', length: 0, content: '' },
      { path: 'base/5/16384', kind: 'file', length: 20_000, content: 'page'.repeat(5_000) },
      { path: 'base/odd', kind: 'file', length: 513, content: 'x'.repeat(513) },
      { path: 'empty', kind: 'file', length: 0, content: '' },
      { path: 'link', kind: 'link', length: 0, content: '' },
    ])
  }
  rmSync(folder, { recursive: true })
})
