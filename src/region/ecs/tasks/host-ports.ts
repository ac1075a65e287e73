import type { Random } from '../../../core/random.ts'
import { freePort, releasePort } from '../../../postgres/free-port.ts'
import type { NetworkBinding, PortMapping } from '../../protocol/models/ecs.ts'
import type { Container, TaskDefinitionContent } from '../task-definition.ts'

/**
 * The ports of this machine that tasks have.
 *
 * Unlike AWS: a process listens itself on the port that it was given, on 127.0.0.1, as nothing translates one into the other.
 * A fixed host port of the modes `bridge` and `host` is the container's; in `awsvpc`, where each task has all ports of an
 * address of its own, and where the host port is 0, it is a free one, told by `variablesFor`.
 */
export class HostPorts {
  readonly #fixed = new Set<number>()

  constructor(private readonly random: Random) {}

  /** Takes all fixed ports of a task, or none when another task has one of them: then false. */
  reserve(content: TaskDefinitionContent): boolean {
    const wanted = fixedPorts(content)
    if (wanted.some((port) => this.#fixed.has(port))) return false
    for (const port of wanted) this.#fixed.add(port)
    return true
  }

  /** Gives the fixed ports of a task back. */
  release(content: TaskDefinitionContent): void {
    for (const port of fixedPorts(content)) this.#fixed.delete(port)
  }

  /** The ports of a container, those that are not fixed chosen for it; `giveBack` is for those. */
  async bind(
    { portMappings = [] }: Container,
    content: TaskDefinitionContent,
  ): Promise<NetworkBinding[]> {
    const bindings: NetworkBinding[] = []
    for (const mapping of portMappings) {
      const { containerPort = 0, protocol = 'tcp' } = mapping
      const hostPort = fixedPort(mapping, content) ?? (await freePort(this.random))
      bindings.push({ bindIP: '127.0.0.1', containerPort, hostPort, protocol })
    }
    return bindings
  }

  giveBack(bindings: readonly NetworkBinding[]): void {
    for (const { hostPort = 0 } of bindings) releasePort(hostPort)
  }
}

function fixedPorts(content: TaskDefinitionContent): number[] {
  const all = content.containerDefinitions.flatMap(({ portMappings = [] }) => portMappings)
  return all.flatMap((mapping) => fixedPort(mapping, content) ?? [])
}

function fixedPort(
  { hostPort = 0 }: PortMapping,
  { networkMode }: TaskDefinitionContent,
): number | undefined {
  return networkMode === 'awsvpc' || hostPort === 0 ? undefined : hostPort
}

/** `PORT` is the first one, as many programs read it; `PORT_8080` the one for the container's port 8080. */
export function variablesFor(bindings: readonly NetworkBinding[]): Record<string, string> {
  const [first] = bindings
  return Object.fromEntries([
    ...(first ? [['PORT', `${first.hostPort}`] as const] : []),
    ...bindings.map(({ containerPort, hostPort }) => [`PORT_${containerPort}`, `${hostPort}`]),
  ])
}
