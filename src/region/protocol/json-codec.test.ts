import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Fault } from './fault.ts'
import { readJsonInput, writeJsonOutput } from './json-codec.ts'
import { secretsManagerModel } from './models/secrets-manager.ts'

const schemas = (name: string) => secretsManagerModel.operationByName.get(name)!
const read = (name: string, body: string | Buffer) =>
  readJsonInput(schemas(name).input, Buffer.from(body))

function refusal(name: string, body: string | Buffer): string {
  try {
    return JSON.stringify(read(name, body))
  } catch (error) {
    if (error instanceof Fault) return error.wireCode
    throw error
  }
}

describe('AWS JSON', () => {
  test('reads strings, numbers, booleans, bytes and lists; null is absent', () => {
    const body =
      '{"Name":"n","SecretBinary":"AP8=","Tags":[{"Key":"a","Value":null}],"Description":null}'
    expect(read('CreateSecret', body)).toEqual({
      Name: 'n',
      SecretBinary: new Uint8Array([0, 255]),
      Tags: [{ Key: 'a' }],
    })
    expect(read('ListSecrets', '')).toEqual({})
  })

  test.each([
    ['no JSON', '{', 'SerializationException'],
    ['no object', '[]', 'SerializationException'],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'SerializationException'],
    ['a number for a string', '{"Name":1}', 'SerializationException'],
    [
      'a string for a boolean',
      '{"Name":"n","ForceOverwriteReplicaSecret":"true"}',
      'SerializationException',
    ],
    ['an object for a list', '{"Name":"n","Tags":{}}', 'SerializationException'],
    ['base64 that is none', '{"Name":"n","SecretBinary":"%%%"}', 'SerializationException'],
    ['a missing member', '{}', 'ValidationException'],
    ['an unknown member', '{"Name":"n","NoSuch":1}', 'ValidationException'],
    ['a prototype', '{"Name":"n","__proto__":{"a":1}}', 'ValidationException'],
  ])('refuses %s', (_, body, code) => {
    expect(refusal('CreateSecret', body)).toBe(code)
  })

  test('writes times as seconds and bytes as base64, and leaves out what is undefined', () => {
    const output = {
      ARN: 'a',
      Name: undefined,
      CreatedDate: new Date(1_700_000_000_250),
      SecretBinary: new Uint8Array([0, 255]),
      VersionStages: ['AWSCURRENT'],
      NotInTheModel: 1,
    }
    expect(JSON.parse(writeJsonOutput(schemas('GetSecretValue').output, output))).toEqual({
      ARN: 'a',
      CreatedDate: 1_700_000_000.25,
      SecretBinary: 'AP8=',
      VersionStages: ['AWSCURRENT'],
    })
  })

  test('a version id named like a prototype is only a key', () => {
    const stages = JSON.parse('{"__proto__":["AWSCURRENT"]}')
    const text = writeJsonOutput(schemas('DescribeSecret').output, { VersionIdsToStages: stages })
    expect(text).toBe('{"VersionIdsToStages":{"__proto__":["AWSCURRENT"]}}')
  })

  test('never throws anything but a Fault, and never reads a member that is not there', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(refusal('PutSecretValue', JSON.stringify(value))).toMatch(/Exception$|^\{/)
      }),
    )
  })
})
