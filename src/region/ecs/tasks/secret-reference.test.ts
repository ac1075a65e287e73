import { expect, test } from 'vitest'
import { parseSecretReference } from './secret-reference.ts'

const arn = 'arn:aws:secretsmanager:us-east-1:000000000000:secret:a/b-abcdef'
const none = { jsonKey: undefined, versionStage: undefined, versionId: undefined }

test.each([
  [arn, none],
  [`${arn}:::`, none],
  [`${arn}:key::`, { ...none, jsonKey: 'key' }],
  [`${arn}::AWSPREVIOUS:`, { ...none, versionStage: 'AWSPREVIOUS' }],
  [`${arn}:key:stage:id`, { jsonKey: 'key', versionStage: 'stage', versionId: 'id' }],
])('reads %s', (text, parts) => {
  expect(parseSecretReference(text)).toEqual({ arn, region: 'us-east-1', ...parts })
})

test.each([
  '/parameter',
  'name',
  `${arn}:key`,
  'arn:aws:ssm:us-east-1:000000000000:parameter/x',
  '',
])("refuses '%s'", (text) => {
  expect(() => parseSecretReference(text)).toThrow('is no ARN of a secret of Secrets Manager')
})
