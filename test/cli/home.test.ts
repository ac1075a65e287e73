import { describe, expect, test } from 'vitest'
import { homeFolder } from '../../src/cli/home.ts'
import { lifeboat } from './lifeboat.ts'

describe('the home', () => {
  const xdg = { HOME: '/home/ana', XDG_STATE_HOME: '/state' }

  test.each([
    ['--home before all', { option: '/a', environment: { LIFEBOAT_HOME: '/b', ...xdg } }, '/a'],
    ['then LIFEBOAT_HOME', { environment: { LIFEBOAT_HOME: '/b', ...xdg } }, '/b'],
    ['then the XDG state folder', { environment: xdg }, '/state/lifeboat'],
    [
      'which is in the home of an ordinary user by default',
      { environment: { HOME: '/home/ana' }, isRoot: false },
      '/home/ana/.local/state/lifeboat',
    ],
    [
      'and for root outside of /root, which servers cannot enter',
      { environment: { HOME: '/root' }, isRoot: true },
      '/var/lib/lifeboat',
    ],
    [
      'a relative XDG_STATE_HOME is invalid and ignored',
      { environment: { HOME: '/home/ana', XDG_STATE_HOME: 'state' }, isRoot: false },
      '/home/ana/.local/state/lifeboat',
    ],
  ])('%s', (_, o, folder) => {
    expect(homeFolder(o)).toBe(folder)
  })

  test('that cannot be made is named, with its code', async () => {
    const { code, stdout } = await lifeboat(['doctor', '--json', '--home', '/proc/lifeboat'])
    const { findings } = JSON.parse(stdout)
    expect(code).toBe(21)
    expect(findings).toContainEqual(
      expect.objectContaining({ what: 'home', state: 'failed', code: 'FolderNotUsable' }),
    )
  })
})
