import { describe, expect, test } from 'vitest'
import { allowsVariable, NoImage, parseImage } from './images.ts'

const entryPoint = ['/bin/true']

describe('an image', () => {
  test('has what it says, and nothing is allowed that it does not say', () => {
    expect(parseImage('x', { entryPoint })).toEqual({
      ...{ entryPoint, command: [], workingDirectory: '/', environment: {} },
      ...{ allowCommand: false, allowEnvironment: [], allowHealthChecks: [] },
      ...{ unrestricted: false, asOwner: false },
    })
  })

  test('lets variables be set by their names, or by the beginning of them', () => {
    const image = parseImage('x', { entryPoint, allowEnvironment: ['MODE', 'DB_*'] })
    const names = ['MODE', 'DB_', 'DB_HOST', 'MODES', 'XDB_HOST', 'NODE_OPTIONS']
    expect(names.filter((name) => allowsVariable(image, name))).toEqual(['MODE', 'DB_', 'DB_HOST'])
  })

  test.each([
    [[], 'it is no object'],
    [{}, "it has no 'entryPoint'"],
    [{ entryPoint: ['true'] }, "'entryPoint' does not begin with an absolute path"],
    [{ entryPoint: '/bin/true' }, "'entryPoint' is no list of strings"],
    [{ entryPoint, unknown: 1 }, "'unknown' is not known"],
    [{ entryPoint, allowCommand: 'yes' }, "'allowCommand' is neither true nor false"],
    [{ entryPoint, workingDirectory: 'here' }, "'workingDirectory' is no absolute path"],
    [{ entryPoint, environment: { A: 1 } }, "'environment' does not give each variable a string"],
    [{ entryPoint, allowHealthChecks: ['CMD'] }, "'allowHealthChecks' is no list of lists"],
    [{ entryPoint: ['/bin/true', 'a\0b'] }, "'entryPoint' is no list of strings"],
  ])('is refused when it is %j', (value, message) => {
    expect(() => parseImage('x', value)).toThrow(NoImage)
    expect(() => parseImage('x', value)).toThrow(message)
  })
})
