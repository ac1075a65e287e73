import type { Health } from '../../dns/health/health-check.ts'
import { SharedDatabase } from '../protocol/shared-database.ts'

/**
 * What the name server tells the API: how far it has followed the changes, and the health that it knows. It is written by the
 * name server's process alone, and stays when that dies.
 */
export class DataPlaneState {
  private constructor(private readonly database: SharedDatabase) {}

  /** @throws LifeboatError `FolderNotUsable`, `DiskFull` */
  static async open(folder: string): Promise<DataPlaneState> {
    return new DataPlaneState(await SharedDatabase.open(folder, 'state'))
  }

  async close(): Promise<void> {
    await this.database.close()
  }

  /** The number of the last change by which questions are answered. */
  get applied(): number {
    return this.database.get<number>(['applied']) ?? 0
  }

  /** Durable when it returns. */
  setApplied(sequence: number): void {
    this.database.change((edit) => edit.put(['applied'], sequence))
  }

  load(id: string): Health | undefined {
    return this.database.get(['health', id])
  }

  all(): Health[] {
    return this.database.list<Health>(['health'])
  }

  /** Durable when it returns. */
  save(health: readonly Health[]): void {
    this.database.change((edit) => {
      for (const one of health) edit.put(['health', one.id], one)
    })
  }

  delete(id: string): void {
    this.database.change((edit) => edit.remove(['health', id]))
  }
}
