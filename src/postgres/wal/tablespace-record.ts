import { LifeboatError } from '../../core/errors.ts'
import { crc32c } from '../crc32c.ts'
import { mainDataOffset } from './record-scanner.ts'

const PAGE_BYTES = 8192
const PAGE_HEADER_BYTES = 24
const RECORD_HEADER_BYTES = 24
const CRC_AT = 20
/** Of `xl_tblspc_create_rec`: the oid before the path. */
const PATH_AT = 4

/**
 * Changes the record at byte `at` of a WAL segment, which creates a tablespace, so that it creates it within the data
 * directory that replays it: its path becomes empty, which is how PostgreSQL writes that.
 *
 * Otherwise a server that is restored on the machine of a living source would share the folder with it, and replay would
 * overwrite the files of the living one.
 *
 * Source: PostgreSQL, commands/tablespace.h, tblspc_redo; access/xlogrecord.h for the record and its checksum.
 *
 * @throws LifeboatError `RestoreFailed` when the record goes on in the next segment
 */
export function placeTablespaceInside(segment: Buffer, at: number): void {
  const places = placesOf(segment, at, segment.readUInt32LE(at))
  const record = Buffer.from(places.map((place) => segment[place]!))
  const isSound = checksumOf(record) === record.readUInt32LE(CRC_AT)
  const pathAt = mainDataOffset(record.subarray(0, 64)) + PATH_AT
  if (!isSound || pathAt <= RECORD_HEADER_BYTES + PATH_AT) throw cannotMove()
  record.fill(0, pathAt)
  record.writeUInt32LE(checksumOf(record), CRC_AT)
  for (const [index, place] of places.entries()) segment[place] = record[index]!
}

/** Where each byte of a record lies: the headers of the pages that it spans are not part of it. */
function placesOf(segment: Buffer, at: number, length: number): number[] {
  const places: number[] = []
  for (let place = at; places.length < length; place++) {
    if (place % PAGE_BYTES === 0) place += PAGE_HEADER_BYTES
    if (place >= segment.length) throw cannotMove()
    places.push(place)
  }
  return places
}

function checksumOf(record: Buffer): number {
  return crc32c(record.subarray(0, CRC_AT), crc32c(record.subarray(RECORD_HEADER_BYTES)))
}

function cannotMove(): LifeboatError {
  return new LifeboatError(
    'RestoreFailed',
    'the write-ahead log creates a tablespace that cannot be moved away from where the source has it',
    { hint: 'Restore from a base backup that was taken after the tablespace was made.' },
  )
}
