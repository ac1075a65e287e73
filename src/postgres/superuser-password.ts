import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { assert } from '../core/assert.ts'
import { CHECKSUM_AT, PAGE_BYTES, pageChecksum } from './page-checksum.ts'
import { scramVerifier } from './wire/scram-verifier.ts'

/** The first file of `pg_authid` in a cluster that was just initialised. Source: pg_authid.dat, oid 1260. */
const ROLES_FILE = join('global', '1260')
/** As `password_encryption = scram-sha-256` stores a password; the length is always the same. */
const VERIFIER = /SCRAM-SHA-256\$4096:[A-Za-z0-9+/]{22}==\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=/g

/**
 * Gives the superuser of a stopped, freshly cloned cluster a password of its own.
 *
 * Its verifier is overwritten in place, in the one page of `pg_authid`, and the page's checksum made right.
 * The password is thus never in an argument list, in a log or in a file, a clone never runs with a password
 * that others know, and no server has to be started for it.
 */
export async function renewSuperuserPassword(
  dataDirectory: string,
  password: string,
): Promise<void> {
  const file = await open(join(dataDirectory, ROLES_FILE), 'r+')
  try {
    const page = Buffer.alloc(PAGE_BYTES)
    const { bytesRead } = await file.read(page, 0, PAGE_BYTES, 0)
    assert(bytesRead === PAGE_BYTES, 'the roles of a fresh cluster fill a page')
    assert(
      pageChecksum(page, 0) === page.readUInt16LE(CHECKSUM_AT),
      'the page of the roles has a right checksum',
    )
    const found = [...page.toString('latin1').matchAll(VERIFIER)]
    assert(found.length === 1, 'a fresh cluster has one role with a password')

    const verifier = await scramVerifier(password)
    assert(verifier.length === found[0]![0].length, 'all SCRAM verifiers are equally long')
    page.write(verifier, found[0]!.index, 'latin1')
    page.writeUInt16LE(pageChecksum(page, 0), CHECKSUM_AT)
    await file.write(page, 0, PAGE_BYTES, 0)
  } finally {
    await file.close()
  }
}
