/**
 * The order of everything that a store holds: by bucket, by the UTF-8 bytes of the key, and newest first.
 *
 *     bucket   4 bytes
 *     key      its UTF-8 bytes, each one higher: none of them is ever above 0xF4, so that 0 is free to end it
 *     0
 *     age      the version's place, inverted
 *
 * A place is a time (6 bytes, milliseconds since 1970), a count that orders versions of one moment (6 bytes) and
 * chance (12 bytes), which keeps the places of two stores apart. A version id is its place in base64, so that a copy
 * in another store that keeps the id also keeps the order.
 */
export const PLACE_BYTES = 24
const TIME_BYTES = 6
const COUNT_BYTES = 6
const END_OF_KEY = 0
/** Sorts behind whatever may follow a prefix: more of a key, or an age. */
const BEHIND = Buffer.alloc(PLACE_BYTES + 1, 0xff)

export interface Place {
  readonly timeMs: number
  readonly count: number
}

export function makePlace({ timeMs, count }: Place, chanceHex: string): Buffer {
  const place = Buffer.alloc(PLACE_BYTES)
  place.writeUIntBE(timeMs, 0, TIME_BYTES)
  place.writeUIntBE(count, TIME_BYTES, COUNT_BYTES)
  place.write(chanceHex, TIME_BYTES + COUNT_BYTES, 'hex')
  return place
}

export function parsePlace(place: Buffer): Place {
  return {
    timeMs: place.readUIntBE(0, TIME_BYTES),
    count: place.readUIntBE(TIME_BYTES, COUNT_BYTES),
  }
}

export function versionIdOf(place: Buffer): string {
  return place.toString('base64url')
}

/** The place that a version id names; undefined when it is none of ours. */
export function placeOfVersionId(versionId: string): Buffer | undefined {
  const place = Buffer.from(versionId, 'base64url')
  return place.length === PLACE_BYTES && versionIdOf(place) === versionId ? place : undefined
}

/** All versions of a key have this in front. */
export function keyPrefix(bucket: number, key: string): Buffer {
  return Buffer.concat([textPrefix(bucket, key), Buffer.from([END_OF_KEY])])
}

/** All keys that begin with `text` have this in front. */
export function textPrefix(bucket: number, text: string): Buffer {
  const bytes = Buffer.from(text)
  const prefix = Buffer.allocUnsafe(4 + bytes.length)
  prefix.writeUInt32BE(bucket, 0)
  for (let at = 0; at < bytes.length; at++) prefix[4 + at] = bytes[at]! + 1
  return prefix
}

/** Sorts behind everything that begins with `prefix`. */
export function behind(prefix: Buffer): Buffer {
  return Buffer.concat([prefix, BEHIND])
}

export function versionKey(prefix: Buffer, place: Buffer): Buffer {
  const inverted = Buffer.allocUnsafe(PLACE_BYTES)
  for (let at = 0; at < PLACE_BYTES; at++) inverted[at] = 0xff - place[at]!
  return Buffer.concat([prefix, inverted])
}

export function placeIn(versionKeyBytes: Buffer): Buffer {
  const place = Buffer.from(versionKeyBytes.subarray(-PLACE_BYTES))
  for (let at = 0; at < PLACE_BYTES; at++) place[at] = 0xff - place[at]!
  return place
}

/** The object's key in a version's key, or in one of anything else that `suffixBytes` follow. */
export function objectKeyIn(bytes: Buffer, suffixBytes = PLACE_BYTES): string {
  const text = Buffer.from(bytes.subarray(4, bytes.length - suffixBytes - 1))
  for (let at = 0; at < text.length; at++) text[at] = text[at]! - 1
  return text.toString()
}
