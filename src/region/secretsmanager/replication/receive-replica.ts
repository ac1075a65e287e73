import type { Peer, PeerReply } from '../../peer/peer.ts'
import type { ReplicaLink, Secret, SecretVersion } from '../secret.ts'
import { type Secrets, suffixOf } from '../secrets.ts'
import { withLinks } from './replica-links.ts'

/** Who replicates secrets, and whom alone other regions obey. */
export const REPLICATION_SERVICE = 'secretsmanager.amazonaws.com'

/** A secret as it goes to another region: with its values, which are sealed again there. */
export interface ReplicaMessage
  extends Pick<Secret, 'name' | 'description' | 'kmsKeyId' | 'tags' | 'createdAt' | 'changedAt'> {
  readonly suffix: string
  readonly primaryRegion: string
  readonly revision: number
  readonly isForced: boolean
  readonly versions: readonly (Omit<SecretVersion, 'sealed'> & {
    /** One of the two; bytes are base64. */
    readonly string?: string
    readonly binary?: string
  })[]
}

/** What became of a replica that was sent. */
export interface ReplicaOutcome {
  /** `exists`: another secret has the name. */
  readonly outcome: 'taken' | 'exists'
  /** Whether that is a primary secret with the same end of its ARN, as a replica is that was promoted. */
  readonly isPromoted: boolean
}

/** A secret, told by its name and the end of its ARN, as one region speaks of it to another. */
export interface SecretInRegion {
  readonly name: string
  readonly suffix: string
  /** Of the one who speaks. */
  readonly region: string
}

/** Lets other regions put their replicas here, delete them, and say that one of ours was promoted. */
export function receiveReplicas(peer: Peer, secrets: Secrets): void {
  peer.serve({
    PutReplica: (input: ReplicaMessage) => putReplica(secrets, input),
    DeleteReplica: (input: SecretInRegion & { revision: number }) => deleteReplica(secrets, input),
    Unlink: (input: SecretInRegion & { revision: number }) => unlink(secrets, input),
  })
}

/** It may be sent any number of times; what is older than what is there changes nothing. */
async function putReplica(
  secrets: Secrets,
  message: ReplicaMessage,
): Promise<PeerReply<ReplicaOutcome>> {
  let outcome: ReplicaOutcome = { outcome: 'taken', isPromoted: false }
  await secrets.put(message.name, (existing) => {
    const { primary } = existing ?? {}
    const isSame = existing && suffixOf(existing) === message.suffix
    if (isSame && primary?.region === message.primaryRegion) {
      return primary.revision > message.revision ? existing : replicaOf(secrets, message, existing)
    }
    if (!existing || message.isForced) return replicaOf(secrets, message, undefined)
    outcome = { outcome: 'exists', isPromoted: isSame === true && !primary }
    return existing
  })
  return { output: outcome }
}

async function deleteReplica(
  secrets: Secrets,
  { name, suffix, region, revision }: SecretInRegion & { revision: number },
): Promise<PeerReply> {
  await secrets.put(name, (existing) => {
    const { primary } = existing ?? {}
    const isMeant = existing && suffixOf(existing) === suffix && primary?.region === region
    return isMeant && primary.revision <= revision ? null : existing
  })
  return { output: {} }
}

/** A link that was made again since stays. */
async function unlink(
  secrets: Secrets,
  { name, suffix, region, revision }: SecretInRegion & { revision: number },
): Promise<PeerReply> {
  await secrets.put(name, (existing) => {
    if (!existing || suffixOf(existing) !== suffix) return existing
    const isMeant = ({ region: to, delivered }: ReplicaLink) =>
      to === region && delivered !== undefined && delivered <= revision
    const left = existing.replicas?.filter((link) => !isMeant(link))
    return left?.length === existing.replicas?.length ? existing : withLinks(existing, left ?? [])
  })
  return { output: {} }
}

function replicaOf(
  secrets: Secrets,
  message: ReplicaMessage,
  existing: Secret | undefined,
): Secret {
  const { name, suffix, description, kmsKeyId, tags, createdAt, changedAt } = message
  const arn = secrets.arnWithSuffix(name, suffix)
  return {
    ...{ name, arn, tags, createdAt, changedAt },
    ...(description === undefined ? {} : { description }),
    ...(kmsKeyId === undefined ? {} : { kmsKeyId }),
    ...(existing?.accessedAt === undefined ? {} : { accessedAt: existing.accessedAt }),
    primary: { region: message.primaryRegion, revision: message.revision },
    versions: message.versions.map(({ string, binary, ...version }) => ({
      ...version,
      sealed: secrets.seal(
        binary === undefined
          ? { SecretString: string ?? '' }
          : { SecretBinary: new Uint8Array(Buffer.from(binary, 'base64')) },
        arn,
        version.id,
      ),
    })),
  }
}
