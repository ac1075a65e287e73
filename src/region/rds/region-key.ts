import { join } from 'node:path'
import { SealingKey } from '../protocol/sealing-key.ts'

/** The region's own key, in a file that only its owner reads. It seals passwords. */
export class RegionKey {
  private constructor(private readonly key: SealingKey) {}

  static async open(folder: string): Promise<RegionKey> {
    return new RegionKey(await SealingKey.open(join(folder, 'region.key')))
  }

  sealPassword(password: string): string {
    return this.key.seal(password, 'password')
  }

  password(sealed: string): string {
    return this.key.unseal(sealed, 'password')
  }
}
