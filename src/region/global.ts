import type { Clock } from '../core/clock.ts'
import { systemRandom } from '../core/random.ts'
import { Api, type OpenedService, withoutResources } from './api.ts'
import { logError } from './error-log.ts'
import { iamService } from './iam/service.ts'
import { openIdentity } from './identity.ts'
import { GLOBAL_REGION } from './protocol/global-services.ts'
import type { RootCredentials } from './root-credentials.ts'
import { DataPlaneState } from './route53/data-plane-state.ts'
import { Route53Directory } from './route53/directory.ts'
import { route53Service } from './route53/service.ts'
import { stsService } from './sts/service.ts'

/**
 * The control plane of the services that are one for all regions of a home, in this process: the APIs of IAM and Route 53,
 * and the global endpoint of STS.
 *
 * While it is dead nobody can change a user or a record. What was set before stays in effect: regions decide by the directory,
 * and the name server answers by the records that it has.
 */
export class GlobalServices {
  private constructor(private readonly api: Api) {}

  /** @throws LifeboatError `FolderNotUsable`, `StateDamaged` */
  static async open(o: GlobalServicesOptions): Promise<GlobalServices> {
    const { clock, onError = logError } = o
    const identity = await openIdentity({ ...o.iam, credentials: o.credentials, clock })
    const directory = await Route53Directory.open(o.route53.directoryFolder)
    const dataPlane = await DataPlaneState.open(o.route53.dataPlaneFolder)
    const route53 = route53Service({ directory, dataPlane, clock, random: systemRandom })
    const opened: OpenedService[] = [
      { service: iamService(identity.iam), close: () => identity.iam.close() },
      withoutResources(stsService(identity.sessions)),
      {
        service: route53,
        close: async () => void (await Promise.all([directory.close(), dataPlane.close()])),
      },
    ]
    return new GlobalServices(new Api({ region: GLOBAL_REGION, opened, identity, clock, onError }))
  }

  /** Listens on 127.0.0.1. @throws LifeboatError `PortTaken` */
  async listen(port = 0): Promise<{ port: number }> {
    return await this.api.listen(port)
  }

  async close(): Promise<void> {
    await this.api.close()
  }
}

export interface GlobalServicesOptions {
  readonly credentials: RootCredentials
  /** As of `RegionOptions`. */
  readonly iam: { readonly folder: string; readonly delayMs: number }
  /** Where hosted zones are kept, and where the name server tells what it knows. */
  readonly route53: { readonly directoryFolder: string; readonly dataPlaneFolder: string }
  readonly clock: Clock
  /** Gets every failure of ours; prints it by default. Nothing in it may be a secret (I12). */
  readonly onError?: (error: unknown) => void
}
