import { NameServer } from '../dns/name-server.ts'
import { logError } from './error-log.ts'

/**
 * The data plane of Route 53 in this process: the name server of a home. It needs no other process: it serves on while
 * nobody answers the API by which its records were made.
 */
export class NameService {
  private constructor(private readonly server: NameServer) {}

  /** Answers on 127.0.0.1, by UDP and TCP. @throws LifeboatError `PortTaken` */
  static async open(o: NameServiceOptions): Promise<NameService> {
    const { port, onError = logError } = o
    const authority = { answer: () => undefined }
    return new NameService(await NameServer.listen({ port, authority, onError }))
  }

  get port(): number {
    return this.server.port
  }

  async close(): Promise<void> {
    await this.server.close()
  }
}

export interface NameServiceOptions {
  /** 0 lets the system choose. */
  readonly port: number
  /** Gets every failure of ours; prints it by default. */
  readonly onError?: (error: unknown) => void
}
