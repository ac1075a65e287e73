import { copyFile, link, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { LifeboatError } from '../../core/errors.ts'
import { type Random, systemRandom } from '../../core/random.ts'
import type { ServerAccount } from '../server-account.ts'
import { syncFolder } from '../storage/durable-file.ts'
import { type BackupSource, backUp, type Progress } from './back-up.ts'
import { type BaseBackup, type Manifest, readManifest, writeManifest } from './manifest.ts'
import { checkFrames, restoreFiles } from './restore.ts'
import type { VaultFault } from './worker-messages.ts'

export interface VerifyReport {
  readonly backups: number
  readonly faults: readonly VaultFault[]
}

const MANIFEST = '.manifest'

/**
 * A folder of base backups of one cluster.
 *
 *     manifests/<id>.manifest   one for each backup, complete in itself
 *     packs/<id>-<n>.pack       compressed frames of blocks, shared by the backups that need them
 *
 * A backup takes only what changed since the one before and restores in one pass. It exists from the moment that its
 * manifest is durable (I3); packs that no manifest names are what a crash or a deletion left, and are removed.
 */
export class Vault {
  /** Backups that are being taken: no manifest names their packs yet. */
  readonly #underWay = new Set<string>()
  /** A manifest never changes, so what was read of it once stays true. */
  readonly #known = new Map<string, BaseBackup>()

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
    await vault.compact()
    return vault
  }

  /**
   * Takes a base backup. `auto` takes what changed since the newest one, or everything when there is none.
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
    const id = this.#newId()
    const parent = o.kind === 'full' ? undefined : await this.#newest()
    this.#underWay.add(id)
    try {
      const manifest = await backUp({
        source: o.cluster,
        id,
        packFolder: this.#packs,
        parent,
        key: this.key,
        clock: this.clock,
        onProgress: o.onProgress,
        signal: o.signal,
      })
      await o.beforeListing?.(manifest.backup)
      await writeManifest(this.#manifestPath(id), manifest, this.key)
      return manifest.backup
    } catch (error) {
      await this.#removePacksOf(id)
      throw error
    } finally {
      this.#underWay.delete(id)
    }
  }

  /** All backups, oldest first. @throws LifeboatError `VaultDamaged` when a manifest cannot be read */
  async list(): Promise<BaseBackup[]> {
    const backups = await Promise.all(
      (await this.#ids()).map(async (id) => this.#known.get(id) ?? (await this.#read(id)).backup),
    )
    return backups.sort((a, b) => Number(a.stopLsn - b.stopLsn) || a.timeline - b.timeline)
  }

  async get(id: string): Promise<Manifest> {
    if (!(await this.#ids()).includes(id)) {
      throw new LifeboatError('BackupNotFound', `there is no backup '${id}'`)
    }
    return this.#read(id)
  }

  /** Restores a backup's files into an empty folder. See `restoreFiles`. */
  async restore(o: {
    backup: string
    into: string
    account?: ServerAccount | undefined
    onProgress?: ((progress: Progress) => void) | undefined
    signal?: AbortSignal | undefined
  }): Promise<Manifest> {
    const manifest = await this.get(o.backup)
    await restoreFiles({
      ...o,
      manifest,
      packFolder: this.#packs,
      key: this.key,
      account: o.account,
    })
    return manifest
  }

  /** Forgets backups; blocks that others need stay. */
  async delete(ids: readonly string[]): Promise<void> {
    for (const id of ids) await rm(this.#manifestPath(id), { force: true })
    await syncFolder(this.#manifests)
    await this.compact()
  }

  /** Removes packs that no backup needs. While a manifest cannot be read, nobody knows, and nothing is removed. */
  async compact(): Promise<void> {
    const needed = new Set<string>()
    try {
      for (const id of await this.#ids()) {
        for (const { pack } of (await this.#read(id)).frames) needed.add(pack)
      }
    } catch (error) {
      if (error instanceof LifeboatError && error.code === 'VaultDamaged') return
      throw error
    }
    for (const pack of await readdir(this.#packs)) {
      const isUnderWay = [...this.#underWay].some((id) => pack.startsWith(`${id}-`))
      if (!needed.has(pack) && !isUnderWay) await rm(join(this.#packs, pack), { force: true })
    }
    for (const name of await readdir(this.#manifests)) {
      if (!name.endsWith(MANIFEST)) await rm(join(this.#manifests, name), { force: true })
    }
  }

  /** Reads every byte that any backup needs. */
  async verify(o: { onProgress?: (progress: Progress) => void } = {}): Promise<VerifyReport> {
    const manifests: Manifest[] = []
    const faults: VaultFault[] = []
    for (const id of await this.#ids()) {
      try {
        manifests.push(await this.#read(id))
      } catch (error) {
        if (!(error instanceof LifeboatError)) throw error
        faults.push({ file: this.#manifestPath(id), offset: 0, reason: error.message })
      }
    }
    const inPacks = await checkFrames({ manifests, packFolder: this.#packs, key: this.key, ...o })
    return { backups: manifests.length, faults: [...faults, ...inPacks] }
  }

  /**
   * Copies one backup, and the packs that it needs, into another vault of the same key, so that it outlives this one. Packs
   * are never changed, so the copy is a hard link where the file system allows it.
   */
  async exportBackup(id: string, folder: string): Promise<void> {
    const manifest = await this.get(id)
    const other = await Vault.open({
      folder,
      encryptionKey: this.key,
      clock: this.clock,
      random: this.random,
    })
    for (const pack of new Set(manifest.frames.map((frame) => frame.pack))) {
      await linkOrCopy(join(this.#packs, pack), join(other.#packs, pack))
    }
    await syncFolder(other.#packs)
    await writeManifest(other.#manifestPath(id), manifest, this.key)
  }

  /** What the vault takes on disk, in bytes. */
  async storedBytes(): Promise<number> {
    let sum = 0
    for (const folder of [this.#packs, this.#manifests]) {
      for (const name of await readdir(folder)) sum += (await stat(join(folder, name))).size
    }
    return sum
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

  async #read(id: string): Promise<Manifest> {
    const manifest = await readManifest(this.#manifestPath(id), this.key)
    this.#known.set(id, manifest.backup)
    return manifest
  }

  async #newest(): Promise<Manifest | undefined> {
    const newest = (await this.list()).at(-1)
    return newest && this.#read(newest.id)
  }

  async #removePacksOf(id: string): Promise<void> {
    for (const pack of await readdir(this.#packs)) {
      if (pack.startsWith(`${id}-`)) await rm(join(this.#packs, pack), { force: true })
    }
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
    await rename(`${to}.copy`, to)
  }
}
