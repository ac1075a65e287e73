import type { ContainerOverride } from '../../protocol/models/ecs.ts'
import type { Container } from '../task-definition.ts'
import { allowsVariable, type Image } from './images.ts'
import { StartFailure } from './start-failure.ts'

/** A process as it is to be started. The environment holds secrets (I12). */
export interface ProcessPlan {
  /** Program and arguments. */
  readonly argv: readonly string[]
  readonly workingDirectory: string
  readonly environment: Readonly<Record<string, string>>
  readonly asOwner: boolean
}

/** Where programs are looked for that are not named by a path. Source: the default of Docker. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * What a container runs: what its image says, with what its definition and the task's overrides put over it.
 *
 * As with Docker, an entry point from the definition leaves no arguments of the image.
 *
 * @param given    variables that the region sets, over which the definition's win, and those by which it knows its processes
 * @throws StartFailure `CannotStartContainerError` for what the image does not allow
 */
export function planProcess(
  image: Image,
  container: Container,
  override: ContainerOverride | undefined,
  given: {
    readonly secrets: Readonly<Record<string, string>>
    readonly usual: Readonly<Record<string, string>>
    readonly forced: Readonly<Record<string, string>>
  },
): ProcessPlan {
  const refused = (what: string, member: string) =>
    new StartFailure(
      `CannotStartContainerError: image '${container.image}' does not let a task definition ${what} ` +
        `(${member} in images.json)`,
      container.name,
    )
  const entryPoint = nonEmpty(container.entryPoint)
  const command = nonEmpty(override?.command) ?? nonEmpty(container.command)
  if (entryPoint && !image.unrestricted) throw refused('choose a program', '"unrestricted"')
  if (command && !image.allowCommand && !image.unrestricted) {
    throw refused('give arguments', '"allowCommand"')
  }
  const { workingDirectory = image.workingDirectory } = container
  if (workingDirectory !== image.workingDirectory && !image.unrestricted) {
    throw refused('choose a working directory', '"unrestricted"')
  }
  const asked = {
    ...variablesOf(container.environment),
    ...variablesOf(override?.environment),
    ...given.secrets,
  }
  for (const [name, value] of Object.entries(asked)) {
    if (!allowsVariable(image, name)) throw refused(`set '${name}'`, '"allowEnvironment"')
    if (!value.includes('\0')) continue
    throw new StartFailure(
      `CannotStartContainerError: the value of the variable '${name}' has a zero byte`,
      container.name,
    )
  }
  checkHealthCheck(image, container, refused)
  const argv = entryPoint
    ? [...entryPoint, ...(command ?? [])]
    : [...image.entryPoint, ...(command ?? image.command)]
  if (argv.length === 0) {
    throw new StartFailure('CannotStartContainerError: no command specified', container.name)
  }
  return {
    argv,
    workingDirectory,
    environment: { PATH, ...given.usual, ...image.environment, ...asked, ...given.forced },
    asOwner: image.asOwner,
  }
}

function checkHealthCheck(
  image: Image,
  { healthCheck }: Container,
  refused: (what: string, member: string) => StartFailure,
): void {
  if (!healthCheck || image.unrestricted) return
  const asked = JSON.stringify(healthCheck.command)
  const isAllowed = image.allowHealthChecks.some((allowed) => JSON.stringify(allowed) === asked)
  if (!isAllowed) throw refused('check its health in that way', '"allowHealthChecks"')
}

/** An empty list asks for nothing. */
function nonEmpty(list: readonly string[] | undefined): readonly string[] | undefined {
  return list && list.length > 0 ? list : undefined
}

function variablesOf(
  pairs: readonly { name?: string | undefined; value?: string | undefined }[] | undefined,
): Record<string, string> {
  return Object.fromEntries((pairs ?? []).map(({ name = '', value = '' }) => [name, value]))
}
