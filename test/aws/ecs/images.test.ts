import { chmod, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ecsUnderTest } from './ecs-under-test.ts'

describe('What a task may run', () => {
  const world = ecsUnderTest()

  /** Runs a task of such a container; why it did not start. */
  const failureOf = async (container: Parameters<typeof world.define>[1]) => {
    await world.define('tried', container)
    const task = await world.untilTask(await world.run('tried'), 'STOPPED')
    expect(task).toMatchObject({ stopCode: 'TaskFailedToStart' })
    expect(task.startedAt).toBeUndefined()
    expect(task.containers?.[0]).toMatchObject({ reason: task.stoppedReason })
    expect(task.containers?.[0]).not.toHaveProperty('exitCode')
    expect(world.output(task.taskArn!)).toBe('')
    return task.stoppedReason!
  }

  test('is what images.json lists, and nothing else', async () => {
    expect(await failureOf({ image: 'absent:1' })).toBe(
      "CannotPullContainerError: image 'absent:1' is not in images.json of this Lifeboat home",
    )
    expect(await failureOf({ image: '/bin/echo' })).toMatch(/^CannotPullContainerError/)
    expect(await failureOf({ image: 'toString' })).toMatch(/^CannotPullContainerError/)
    // A registry is asked for each task anew.
    await world.images({ 'absent:1': { entryPoint: ['/bin/echo'], command: ['late'] } })
    await world.define('tried', { image: 'absent:1' })
    const task = await world.untilTask(await world.run('tried'), 'STOPPED')
    expect(world.output(task.taskArn!)).toBe('late\n')
  })

  test.each([
    ['another program', { image: 'waiting', entryPoint: ['/bin/echo'] }, '"unrestricted"'],
    ['other arguments', { image: 'waiting', command: ['x'] }, '"allowCommand"'],
    [
      'a variable that is not allowed',
      { image: 'echo', environment: [{ name: 'LD_PRELOAD', value: '/x' }] },
      '"allowEnvironment"',
    ],
    ['another folder', { image: 'echo', workingDirectory: '/tmp' }, '"unrestricted"'],
    [
      'a health check that is not allowed',
      { image: 'echo', healthCheck: { command: ['CMD-SHELL', 'touch /tmp/x'] } },
      '"allowHealthChecks"',
    ],
  ])('is not %s', async (_, container, member) => {
    const reason = await failureOf(container)
    expect(reason).toMatch(
      /^CannotStartContainerError: image '\w+' does not let a task definition /,
    )
    expect(reason).toContain(member)
  })

  test('is what an image allows: arguments, and variables by the beginning of their name', async () => {
    await world.define('allowed', {
      ...{ image: 'echo', command: ['by the definition'] },
      environment: [{ name: 'DB_HOST', value: 'x' }],
    })
    const task = await world.untilTask(await world.run('allowed'), 'STOPPED')
    expect(world.output(task.taskArn!)).toBe('by the definition\n')
  })

  test('is nothing when other accounts may write the file, or it is wrong, or not there', async () => {
    const file = join(world.folder(), 'images.json')
    await chmod(file, 0o666)
    expect(await failureOf({ image: 'echo' })).toContain('may be written by other accounts')
    await rm(file)
    await world.images({ echo: { entryPoint: ['echo'] } })
    expect(await failureOf({ image: 'echo' })).toContain(
      "'entryPoint' does not begin with an absolute",
    )
    await rm(file)
    expect(await failureOf({ image: 'echo' })).toContain('has no images.json')
    await world.images()
    expect(await failureOf({ image: 'local', command: ['/bin/absent'] })).toBe(
      'CannotStartContainerError: exec: "absent": executable file not found',
    )
    expect(await failureOf({ image: 'local' })).toContain('no command specified')
  })

  test.skipIf(process.getuid?.() !== 0)(
    'does not run as root, unless its owner says so',
    async () => {
      await world.images({
        plain: { entryPoint: ['/usr/bin/id', '-u'] },
        owner: { entryPoint: ['/usr/bin/id', '-u'], asOwner: true },
      })
      const uidOf = async (image: string) => {
        await world.define('id', { image })
        const task = await world.untilTask(await world.run('id'), 'STOPPED')
        return world.output(task.taskArn!).trim()
      }
      expect(await uidOf('plain')).toBe('65534')
      expect(await uidOf('owner')).toBe('0')
      await world.images()
    },
  )
})
