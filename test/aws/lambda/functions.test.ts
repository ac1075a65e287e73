import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { ARN, lambdaUnderTest } from './lambda-under-test.ts'

const code = 'exports.handler = async (event) => event'

describe('GetFunction, ListFunctions and DeleteFunction', () => {
  const world = lambdaUnderTest()

  test('tell of functions by name and ARN, and page by page', async () => {
    for (const name of ['one', 'three', 'two']) await world.create(name, code)
    const { Configuration, Code } = await world.lambda().getFunction({ FunctionName: 'one' })
    expect(Configuration).toMatchObject({ FunctionArn: `${ARN}:one`, Handler: 'index.handler' })
    expect(Code).toEqual({ RepositoryType: 'S3' })
    const byArn = { FunctionName: `${ARN}:one`, Qualifier: '$LATEST' }
    const told = await world.lambda().getFunctionConfiguration(byArn)
    expect(told).toMatchObject({ FunctionName: 'one', FunctionArn: `${ARN}:one:$LATEST` })
    const listed: (string | undefined)[] = []
    let Marker: string | undefined
    do {
      const page = await world.lambda().listFunctions({ Marker, MaxItems: 2 })
      listed.push(page.Functions!.map(({ FunctionName }) => FunctionName).join())
      Marker = page.NextMarker
    } while (Marker)
    expect(listed).toEqual(['one,three', 'two'])
    const forged = world.lambda().listFunctions({ Marker: 'x' })
    expect(await refusal(forged)).toBe('InvalidParameterValueException')
  })

  test('a function that was deleted is gone, with its code, and its name is free', async () => {
    const { $metadata } = await world.lambda().deleteFunction({ FunctionName: 'two' })
    expect($metadata.httpStatusCode).toBe(204)
    for (const call of [
      () => world.lambda().getFunction({ FunctionName: 'two' }),
      () => world.lambda().deleteFunction({ FunctionName: 'two' }),
      () => world.lambda().invoke({ FunctionName: 'two' }),
    ]) {
      expect(await refusal(call())).toBe('ResourceNotFoundException')
    }
    await world.create('two', 'exports.handler = async () => "another"')
    expect((await world.call('two')).payload).toBe('another')
    await world.restart()
    expect((await world.call('two')).payload).toBe('another')
    expect((await world.call('one', { a: 1 })).payload).toEqual({ a: 1 })
    expect((await world.lambda().listFunctions({})).Functions).toHaveLength(3)
  })
})
