import { expect, test } from 'vitest'
import { parseVersionPage } from './version-page.ts'

const version = (key: string, id: string, more = '') =>
  `<Version><Key>${key}</Key><VersionId>${id}</VersionId><IsLatest>true</IsLatest><LastModified>2026-01-15T10:30:00.000Z</LastModified><ETag>&quot;0cc1&quot;</ETag><Size>7</Size>${more}</Version>`
const marker = (key: string, id: string) =>
  `<DeleteMarker><Key>${key}</Key><VersionId>${id}</VersionId><IsLatest>false</IsLatest><LastModified>2026-01-15T10:30:00.000Z</LastModified></DeleteMarker>`
const result = (...entries: string[]) =>
  `<?xml version="1.0"?>\n<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${entries.join('')}</ListVersionsResult>`
const ids = (text: string) => parseVersionPage(text).versions.map(({ versionId }) => versionId)

test('tells versions and delete markers of one second in the order of the page', () => {
  const page = result(marker('a', '1'), version('a', '2'), marker('a', '3'), version('b', '4'))
  expect(ids(page)).toEqual(['1', '2', '3', '4'])
})

test('puts in order what a server tells in two lists', () => {
  const page = result(version('a', '2'), version('b', '4'), marker('a', '3'))
  expect(ids(page)).toEqual(['2', '3', '4'])
})

test('decodes keys, tags and sizes', () => {
  const page = result(version('a+b%2B%3Cx%3E%C3%A4', '1', '<StorageClass>STANDARD</StorageClass>'))
  expect(parseVersionPage(page)).toEqual({
    versions: [
      {
        key: 'a b+<x>ä',
        versionId: '1',
        isDeleteMarker: false,
        isLatest: true,
        modifiedAt: new Date('2026-01-15T10:30:00Z'),
        etag: '0cc1',
        sizeBytes: 7,
        storageClass: 'STANDARD',
      },
    ],
    next: undefined,
  })
})

test('says where the next page begins', () => {
  const head = '<IsTruncated>true</IsTruncated><NextKeyMarker>a%2F1</NextKeyMarker>'
  expect(parseVersionPage(result(head, version('a', '1'))).next).toEqual({ KeyMarker: 'a/1' })
  const more = `${head}<NextVersionIdMarker>v&amp;2</NextVersionIdMarker>`
  const next = { KeyMarker: 'a/1', VersionIdMarker: 'v&2' }
  expect(parseVersionPage(result(more, version('a', '1'))).next).toEqual(next)
})

test.each([
  ['nothing', ''],
  ['another document', '<Error><Code>SlowDown</Code></Error>'],
  ['an entry without an end', result(version('a', '1')).slice(0, -40)],
  ['an entry without a key', result('<Version><VersionId>1</VersionId></Version>')],
  ['a page that goes on nowhere', result('<IsTruncated>true</IsTruncated>')],
])('refuses %s', (_, text) => {
  expect(() => parseVersionPage(text)).toThrow('a listing of versions cannot be read')
})
