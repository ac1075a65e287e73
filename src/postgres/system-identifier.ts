import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { assert } from '../core/assert.ts'
import type { Random } from '../core/random.ts'
import { crc32c } from './crc32c.ts'

/** `xlp_sysid` in the long header that opens every WAL segment. Source: xlog_internal.h, XLogLongPageHeaderData. */
const SYSID_IN_SEGMENT = 24

/**
 * Gives a stopped, cloned cluster a system identifier of its own.
 *
 * Clones of one template share an identifier, and PostgreSQL would let the WAL of one be replayed into
 * another. The identifier stands in `pg_control`, under a checksum, and at the head of each WAL segment.
 */
export async function renewSystemIdentifier(
  dataDirectory: string,
  random: Random,
): Promise<bigint> {
  const identifier = BigInt(`0x${random.hex(16)}`) & 0x7fff_ffff_ffff_ffffn
  await editHead(join(dataDirectory, 'global', 'pg_control'), (head) => {
    const crcAt = checksumOffset(head)
    head.writeBigUInt64LE(identifier, 0)
    head.writeUInt32LE(crc32c(head.subarray(0, crcAt)), crcAt)
  })
  const wal = join(dataDirectory, 'pg_wal')
  const segments = (await readdir(wal)).filter((name) => /^[0-9A-F]{24}$/.test(name))
  await Promise.all(
    segments.map((name) =>
      editHead(join(wal, name), (head) => head.writeBigUInt64LE(identifier, SYSID_IN_SEGMENT)),
    ),
  )
  return identifier
}

/** The identifier that `pg_control` holds. */
export async function readSystemIdentifier(dataDirectory: string): Promise<bigint> {
  const file = await open(join(dataDirectory, 'global', 'pg_control'))
  try {
    const head = Buffer.alloc(8)
    await file.read(head, 0, 8, 0)
    return head.readBigUInt64LE(0)
  } finally {
    await file.close()
  }
}

/** Whether a control file's content matches its own checksum. */
export function isControlIntact(control: Buffer): boolean {
  return findChecksum(control) !== undefined
}

function checksumOffset(control: Buffer): number {
  const offset = findChecksum(control)
  assert(offset !== undefined, 'a control file holds its own checksum')
  return offset
}

/** Where the checksum lies: the layout differs by version, but the checksum always covers all that is before it. */
function findChecksum(control: Buffer): number | undefined {
  for (let at = 200; at < 480; at += 4) {
    if (crc32c(control.subarray(0, at)) === control.readUInt32LE(at)) return at
  }
  return undefined
}

async function editHead(path: string, edit: (head: Buffer) => void): Promise<void> {
  const file = await open(path, 'r+')
  try {
    const head = Buffer.alloc(512)
    await file.read(head, 0, head.length, 0)
    edit(head)
    await file.write(head, 0, head.length, 0)
  } finally {
    await file.close()
  }
}
