import { assert } from '../../core/assert.ts'
import type { ObjectVersion } from '../../objectstore/object-version.ts'
import { s3Model } from '../protocol/models/s3.ts'
import { writeRestOutput } from '../protocol/rest-xml/write-output.ts'
import { xmlElement, xmlText } from '../protocol/xml.ts'
import type { KeyWriter } from './listing.ts'
import { attributesOfVersion } from './object-attributes.ts'
import type { S3Extra } from './s3-request.ts'

/** How the entries of a listing are written. */
export interface EntryForm {
  readonly write: KeyWriter
  /** The one owner of all of them, as `ownerElement` writes it; empty where nobody asks. */
  readonly owner: string
}

/**
 * The document of a listing: what the model writes of `head`, and behind it the entries in the order of the page.
 *
 * Entries are not written by the model. It knows versions and delete markers as two lists, which S3 mixes in the order of the
 * keys; and a thousand of them take it several times as long.
 */
export function listDocument(
  operationName: string,
  head: object,
  o: { entries: string; commonPrefixes: readonly string[]; write: KeyWriter },
): S3Extra {
  const operation = s3Model.operationByName.get(operationName)
  assert(operation, operationName)
  const { body } = writeRestOutput(operation, head, s3Model.xmlNamespace ?? '')
  assert(typeof body === 'string', 'a listing is a document')
  const end = body.lastIndexOf('</')
  let content = o.entries
  for (const prefix of o.commonPrefixes) {
    content += xmlElement('CommonPrefixes', xmlElement('Prefix', xmlText(o.write(prefix))))
  }
  return { httpBody: body.slice(0, end) + content + body.slice(end) }
}

/** An entry of ListObjects. */
export function objectEntry(version: ObjectVersion, { write, owner }: EntryForm): string {
  const key = xmlText(write(version.key))
  const modified = version.modifiedAt.toISOString()
  return `<Contents><Key>${key}</Key><LastModified>${modified}</LastModified>${content(version)}${owner}</Contents>`
}

/** An entry of ListObjectVersions: a version or a delete marker. */
export function versionEntry(version: ObjectVersion, { write, owner }: EntryForm): string {
  const name = version.isDeleteMarker ? 'DeleteMarker' : 'Version'
  const key = xmlText(write(version.key))
  const modified = version.modifiedAt.toISOString()
  const told = version.isDeleteMarker ? '' : content(version)
  return `<${name}><Key>${key}</Key><VersionId>${xmlText(version.versionId)}</VersionId><IsLatest>${version.isLatest}</IsLatest><LastModified>${modified}</LastModified>${told}${owner}</${name}>`
}

export function ownerElement({ ID, DisplayName }: { ID: string; DisplayName: string }): string {
  return xmlElement('Owner', xmlElement('ID', ID) + xmlElement('DisplayName', DisplayName))
}

/** What only objects have. */
function content(version: ObjectVersion): string {
  const { storageClass = 'STANDARD', checksum } = attributesOfVersion(version)
  const algorithm = checksum
    ? `<ChecksumAlgorithm>${checksum.algorithm}</ChecksumAlgorithm><ChecksumType>${checksum.type}</ChecksumType>`
    : ''
  return `<ETag>&quot;${version.etag}&quot;</ETag>${algorithm}<Size>${version.sizeBytes}</Size><StorageClass>${storageClass}</StorageClass>`
}
