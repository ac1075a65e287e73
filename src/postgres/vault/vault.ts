import { copyFile, link, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { LifeboatError } from '../../core/errors.ts'
import { type Random, systemRandom } from '../../core/random.ts'
import type { ServerAccount } from '../server-account.ts'
import { syncFile, syncFolder } from '../storage/durable-file.ts'
import { framesIn } from '../storage/frame-stream.ts'
import { type BackupSource, backUp, type Progress } from './back-up.ts'
import { checkPacks } from './check-packs.ts'
import { findWastefulPacks, repack, withMoves } from './compact.ts'
import type { BaseBackup, Manifest, ManifestHead } from './manifest.ts'
import {
  decodeManifest,
  encodeManifest,
  MANIFEST,
  readManifest,
  readManifestHead,
  writeManifest,
} from './manifest-file.ts'
import { packFrames } from './pack-frames.ts'
import { faultOf } from './pack-reader.ts'
import { receiveBackup } from './receive-backup.ts'
import { ARRIVING, asStoredHere, receivePacks } from './receive-packs.ts'
import { restoreFiles } from './restore.ts'
import type { VaultFault } from './worker-messages.ts'

export interface VerifyReport {
  readonly backups: number
  readonly faults: readonly VaultFault[]
}

/**
 * A folder of base backups of one cluster.
 *
 *     manifests/<id>.manifest   one for each backup, complete in itself
 *     packs/<id>-<n>.pack       compressed frames of blocks, shared by the backups that need them
 *
 * A backup takes only what changed since the one before and restores in one pass. It exists from the moment that its
 * manifest is durable (I3); packs that no manifest names are what a crash or a deletion left, and are removed.
 *
 * One process uses a vault at a time (I9).
 */
export class Vault {
  /** Names under which packs are being written that no manifest knows yet. */
  readonly #underWay = new Set<string>()
  /** Packs of another vault that are being received, or wait for their manifest. */
  readonly #arriving = new Set<string>()
  /** What a manifest begins with, read once. A backup's own facts never change. */
  readonly #heads = new Map<string, ManifestHead>()
  /** How many are reading packs, or hold a manifest that they will write: nothing is removed meanwhile. */
  #users = 0
  #isGarbageWaiting = false
  #repacking: { readonly abort: AbortController; readonly done: Promise<void> } | undefined
  /** Something here was found damaged: the next backup trusts nothing of before. */
  #isSuspect = false

  private constructor(
    private readonly folder: string,
    private readonly key: Buffer | undefined,
    private readonly clock: Clock,
    private readonly random: Random,
  ) {}

  static async open(o: {
    folder: string
    encryptionKey?: Buffer | undefined
    clock: Clock
    random?: Random
  }): Promise<Vault> {
    const vault = new Vault(o.folder, o.encryptionKey, o.clock, o.random ?? systemRandom)
    await mkdir(vault.#packs, { recursive: true, mode: 0o700 })
    await mkdir(vault.#manifests, { recursive: true, mode: 0o700 })
    await vault.#removeGarbage()
    return vault
  }

  /**
   * Takes a base backup. `auto` takes what changed since the newest one, or everything when there is none or when damage
   * was found.
   *
   * @param beforeListing  runs when all data is durable and before the backup exists: what it waits for is then part
   *                       of what a listed backup promises (I2)
   * @throws LifeboatError `BackupFailed`, `DiskFull`, `DatabaseUnreachable`; nothing is left behind
   */
  async backUp(o: {
    cluster: BackupSource
    kind?: 'full' | 'incremental' | 'auto'
    onProgress?: ((progress: Progress) => void) | undefined
    signal?: AbortSignal | undefined
    beforeListing?: (backup: BaseBackup) => Promise<void>
  }): Promise<BaseBackup> {
    this.#repacking?.abort.abort(new Error('a backup is to be taken'))
    await this.#repacking?.done
    return this.#using(async () => {
      const isFull = o.kind === 'full' || (o.kind !== 'incremental' && this.#isSuspect)
      const id = this.#newId()
      return this.#writing(id, async () => {
        const { dataDirectory, ...remote } = o.cluster
        const common = {
          id,
          packFolder: this.#packs,
          parent: isFull ? undefined : await this.#newest(),
          key: this.key,
          clock: this.clock,
          onProgress: o.onProgress,
          signal: o.signal,
        }
        const manifest =
          dataDirectory === undefined
            ? await receiveBackup({ ...common, ...remote })
            : await backUp({ ...common, source: { ...remote, dataDirectory } })
        await o.beforeListing?.(manifest.backup)
        await writeManifest(this.#manifestPath(id), manifest, this.key)
        if (manifest.backup.kind === 'full') this.#isSuspect = false
        return manifest.backup
      })
    })
  }

  /** All backups, oldest first. One whose manifest is damaged is not among them: `verify` names it. */
  async list(): Promise<BaseBackup[]> {
    const { heads } = await this.#readHeads()
    return heads
      .map(({ backup }) => backup)
      .sort((a, b) => a.timeline - b.timeline || Number(a.stopLsn - b.stopLsn))
  }

  /** Restores a backup's files into an empty folder. See `restoreFiles`. */
  async restore(o: {
    backup: string
    into: string
    account?: ServerAccount | undefined
    onProgress?: ((progress: Progress) => void) | undefined
    signal?: AbortSignal | undefined
  }): Promise<Manifest> {
    return this.#using(async () => {
      const manifest = await this.#get(o.backup)
      const { account } = o
      await restoreFiles({ ...o, manifest, packFolder: this.#packs, key: this.key, account })
      return manifest
    })
  }

  /** Forgets backups; blocks that others need stay. `compact` gives back the rest. */
  async delete(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      await rm(this.#manifestPath(id), { force: true })
      this.#heads.delete(id)
    }
    await syncFolder(this.#manifests)
    await this.#removeGarbage()
  }

  /**
   * Gives back space: packs of which many pages are needed by no backup any more are copied without those. For the background: a backup that
   * begins meanwhile interrupts it, and what was done so far stays done.
   *
   * @throws LifeboatError `VaultDamaged`, `DiskFull`; then everything is as it was
   */
  async compact(): Promise<void> {
    if (this.#repacking || this.#underWay.size > 0) return
    const abort = new AbortController()
    const work = this.#repackAll(abort.signal)
    const done = work.then(
      () => undefined,
      () => undefined,
    )
    this.#repacking = { abort, done }
    try {
      await work
    } catch (error) {
      if (!abort.signal.aborted) throw error
    } finally {
      this.#repacking = undefined
    }
  }

  /**
   * Reads every byte of the vault and names file and offset of each fault. After one the next backup is a full one.
   */
  async verify(
    o: { onProgress?: (progress: Progress) => void; signal?: AbortSignal } = {},
  ): Promise<VerifyReport> {
    return this.#using(async () => {
      const { manifests, faults } = await this.#readAll()
      const inPacks = await checkPacks({
        manifests,
        packFolder: this.#packs,
        key: this.key,
        isUnderWay: (pack) => this.#isUnderWay(pack),
        ...o,
      })
      const all = [...faults, ...inPacks]
      if (all.length > 0) this.#isSuspect = true
      return { backups: manifests.length, faults: all }
    })
  }

  /**
   * Copies one backup, and the packs that it needs, into another vault of the same key, so that it outlives this one. Packs
   * are never changed, so the copy is a hard link where the file system allows it.
   */
  async exportBackup(id: string, folder: string): Promise<void> {
    await this.#using(async () => {
      const manifest = await this.#get(id)
      const { key: encryptionKey, clock, random } = this
      const other = await Vault.open({ folder, encryptionKey, clock, random })
      for (const pack of new Set(manifest.frames.map((frame) => frame.pack))) {
        await linkOrCopy(join(this.#packs, pack), join(other.#packs, pack))
      }
      await syncFolder(other.#packs)
      await writeManifest(other.#manifestPath(id), manifest, this.key)
    })
  }

  /**
   * The frames of a backup's manifest, without encryption, for another vault to receive.
   *
   * @throws LifeboatError `BackupNotFound`, `VaultDamaged`
   */
  async *sendManifest(id: string): AsyncGenerator<Buffer> {
    yield* encodeManifest(await this.#using(() => this.#get(id)), undefined)
  }

  /** The frames of a pack from a byte on, likewise. The pack stays for as long as it is read. */
  async *sendPack(pack: string, from: number): AsyncGenerator<Buffer> {
    this.#users++
    try {
      yield* packFrames({ folder: this.#packs, pack, from, key: this.key })
    } finally {
      await this.#release()
    }
  }

  /**
   * Receives a backup of another vault: packs that are not here yet, and then its manifest. What a crash interrupts goes on
   * where it was.
   *
   * @param o.manifest       its frames, as `sendManifest` makes them
   * @param o.pack           the frames of a pack, as `sendPack` makes them
   * @param o.beforeListing  as of `backUp`
   * @throws LifeboatError `VaultDamaged`, `DiskFull`, and what the other vault throws; then it is not listed
   */
  async receive(o: {
    id: string
    isEncryptedThere: boolean
    manifest: AsyncIterable<Buffer>
    pack: (pack: string, from: number) => AsyncIterable<Buffer>
    onProgress?: ((progress: Progress) => void) | undefined
    beforeListing: (backup: BaseBackup) => Promise<void>
  }): Promise<BaseBackup> {
    return this.#using(async () => {
      const sent = await decodeManifest(o.id, framesIn(o.manifest))
      const packs = new Set(sent.frames.map(({ pack }) => pack))
      for (const pack of packs) this.#arriving.add(pack)
      try {
        const { isEncryptedThere, pack, onProgress } = o
        const common = { folder: this.#packs, key: this.key, isEncryptedThere }
        await receivePacks({ ...common, sent, packs, frames: pack, onProgress })
        const manifest = await asStoredHere(sent, { ...common, packs })
        await o.beforeListing(manifest.backup)
        await writeManifest(this.#manifestPath(o.id), manifest, this.key)
        return manifest.backup
      } finally {
        for (const pack of packs) this.#arriving.delete(pack)
        this.#isGarbageWaiting = true
      }
    })
  }

  /** What the vault takes on disk, in bytes. */
  async storedBytes(): Promise<number> {
    let sum = 0
    for (const folder of [this.#packs, this.#manifests]) {
      for (const name of await readdir(folder)) sum += (await stat(join(folder, name))).size
    }
    return sum
  }

  async #repackAll(signal: AbortSignal): Promise<void> {
    for (let isMore = true; isMore; ) isMore = await this.#using(() => this.#repackSome(signal))
  }

  async #repackSome(signal: AbortSignal): Promise<boolean> {
    const { manifests, faults } = await this.#readAll()
    // While a manifest cannot be read, nobody knows what it needs.
    if (faults.length > 0) return false
    const packs = await findWastefulPacks(manifests, this.#packs)
    if (packs.size === 0) return false
    const id = this.#newId()
    await this.#writing(id, async () => {
      const newPackName = (worker: number) => `${id}-${worker}.pack`
      const { key } = this
      const packFolder = this.#packs
      const moves = await repack({ manifests, packs, packFolder, newPackName, key, signal })
      await syncFolder(this.#packs)
      for (const manifest of manifests) {
        const moved = withMoves(manifest, moves)
        if (!moved) continue
        await writeManifest(this.#manifestPath(manifest.backup.id), moved, this.key)
        this.#heads.delete(manifest.backup.id)
      }
    })
    return true
  }

  /** Removes packs that no backup needs. While a manifest cannot be read, nobody knows, and nothing is removed. */
  async #removeGarbage(): Promise<void> {
    this.#isGarbageWaiting = this.#users > 0
    if (this.#users > 0) return
    for (const name of await readdir(this.#manifests)) {
      if (!name.endsWith(MANIFEST)) await rm(join(this.#manifests, name), { force: true })
    }
    const { heads, faults } = await this.#readHeads()
    if (faults.length > 0) return
    const needed = new Set(heads.flatMap(({ packs }) => packs))
    for (const pack of await readdir(this.#packs)) {
      if (!needed.has(pack) && !this.#isUnderWay(pack)) {
        await rm(join(this.#packs, pack), { force: true })
      }
    }
  }

  async #release(): Promise<void> {
    this.#users--
    if (this.#users === 0 && this.#isGarbageWaiting) await this.#removeGarbage()
  }

  async #using<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#users++
    try {
      return await work()
    } catch (error) {
      if (error instanceof LifeboatError && error.code === 'VaultDamaged') this.#isSuspect = true
      throw error
    } finally {
      await this.#release()
    }
  }

  /** Work that writes packs under a name, which are garbage unless a manifest names them at its end. */
  async #writing<Result>(id: string, work: () => Promise<Result>): Promise<Result> {
    this.#underWay.add(id)
    try {
      return await work()
    } finally {
      this.#underWay.delete(id)
      this.#isGarbageWaiting = true
    }
  }

  #isUnderWay(pack: string): boolean {
    // What has not arrived whole goes on where it was, when it is asked for again.
    if (pack.endsWith(ARRIVING) || this.#arriving.has(pack)) return true
    return [...this.#underWay].some((id) => pack.startsWith(`${id}-`))
  }

  get #packs(): string {
    return join(this.folder, 'packs')
  }

  get #manifests(): string {
    return join(this.folder, 'manifests')
  }

  #manifestPath(id: string): string {
    return join(this.#manifests, id + MANIFEST)
  }

  async #ids(): Promise<string[]> {
    const names = await readdir(this.#manifests)
    return names
      .filter((name) => name.endsWith(MANIFEST))
      .map((name) => name.slice(0, -MANIFEST.length))
  }

  async #get(id: string): Promise<Manifest> {
    if (!(await this.#ids()).includes(id)) {
      throw new LifeboatError('BackupNotFound', `there is no backup '${id}'`)
    }
    return readManifest(this.#manifestPath(id), this.key)
  }

  async #newest(): Promise<Manifest | undefined> {
    const newest = (await this.list()).at(-1)
    return newest && readManifest(this.#manifestPath(newest.id), this.key)
  }

  async #readHeads(): Promise<{ heads: ManifestHead[]; faults: VaultFault[] }> {
    const { found, faults } = await this.#eachManifest(async (id, path) => {
      const head = this.#heads.get(id) ?? (await readManifestHead(path, this.key))
      this.#heads.set(id, head)
      return head
    })
    return { heads: found, faults }
  }

  async #readAll(): Promise<{ manifests: Manifest[]; faults: VaultFault[] }> {
    const { found, faults } = await this.#eachManifest((_, path) => readManifest(path, this.key))
    return { manifests: found, faults }
  }

  async #eachManifest<Found>(
    read: (id: string, path: string) => Promise<Found>,
  ): Promise<{ found: Found[]; faults: VaultFault[] }> {
    const found: Found[] = []
    const faults: VaultFault[] = []
    for (const id of await this.#ids()) {
      const file = this.#manifestPath(id)
      try {
        found.push(await read(id, file))
      } catch (error) {
        if (!(error instanceof LifeboatError) || error.code !== 'VaultDamaged') throw error
        faults.push(faultOf(error, file))
      }
    }
    return { found, faults }
  }

  #newId(): string {
    const time = this.clock.now().toISOString().replace(/[-:]/g, '').replace(/\..*/, '')
    return `${time}-${this.random.hex(6)}`
  }
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    if (code !== 'EXDEV' && code !== 'EPERM' && code !== 'EMLINK') throw error
    await copyFile(from, `${to}.copy`)
    await syncFile(`${to}.copy`)
    await rename(`${to}.copy`, to)
  }
}
