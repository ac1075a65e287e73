import { timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Random } from '../../../core/random.ts'
import { Fault } from '../../protocol/fault.ts'
import { closeServer, limitedServer, listening } from '../../protocol/http-server.ts'
import { metadataPath } from './metadata-path.ts'
import type { ContainerRecord, TaskRecord } from './task.ts'

/** How a task comes to act as its role. */
export interface TaskRoleKeys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  readonly expiresAt: Date
}

const CREDENTIALS_PATH = '/v2/credentials/'

/**
 * What containers ask of the agent that runs them: temporary keys of the task's role, for which they show a token that only
 * their environment holds, and what they are.
 *
 * Unlike AWS: credentials are given out on a port of the loopback interface, which AWS SDKs accept in `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
 * Source: ECS Developer Guide, "Task IAM role" and "Task metadata endpoint version 4".
 */
export class TaskEndpoint {
  readonly #grants = new Map<
    string,
    { token: string; issue: () => TaskRoleKeys; roleArn: string }
  >()

  private constructor(
    private readonly server: Server,
    private readonly o: {
      random: Random
      findTask: (taskId: string) => TaskRecord | undefined
      onError: (error: unknown) => void
    },
  ) {
    server.on('request', (request, response) => this.#answer(request, response))
  }

  static async listen(o: {
    random: Random
    findTask: (taskId: string) => TaskRecord | undefined
    onError: (error: unknown) => void
  }): Promise<TaskEndpoint> {
    const server = limitedServer()
    await listening(server, 0)
    return new TaskEndpoint(server, o)
  }

  async close(): Promise<void> {
    await closeServer(this.server)
  }

  /** The variables by which a container finds its metadata. */
  metadataVariables(runtimeId: string): Record<string, string> {
    return { ECS_CONTAINER_METADATA_URI_V4: `${this.#origin}${metadataPath(runtimeId)}` }
  }

  /**
   * Lets a task have keys of its role until `revoke`.
   *
   * @param issue  makes keys, for each request anew; @throws Fault when the role may not be assumed any more
   * @returns the variables by which AWS SDKs find them; the token among them is a secret (I12)
   */
  grant(taskId: string, roleArn: string, issue: () => TaskRoleKeys): Record<string, string> {
    const token = this.o.random.hex(64)
    this.#grants.set(taskId, { token, issue, roleArn })
    return {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${this.#origin}${CREDENTIALS_PATH}${taskId}`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: token,
    }
  }

  revoke(taskId: string): void {
    this.#grants.delete(taskId)
  }

  get #origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    request.resume()
    const path = request.url ?? ''
    try {
      if (request.method !== 'GET') send(response, 405, { message: 'only GET is answered' })
      else if (path.startsWith(CREDENTIALS_PATH)) this.#answerCredentials(request, response)
      else this.#answerMetadata(path, response)
    } catch (error) {
      if (error instanceof Fault) {
        send(response, 403, { code: error.wireCode, message: error.message })
        return
      }
      this.o.onError(error)
      send(response, 500, { code: 'InternalServerError', message: 'An internal failure occurred.' })
    }
  }

  #answerCredentials(request: IncomingMessage, response: ServerResponse): void {
    const grant = this.#grants.get((request.url ?? '').slice(CREDENTIALS_PATH.length))
    const sent = Buffer.from(request.headers.authorization ?? '')
    const expected = Buffer.from(grant?.token ?? '')
    const isSame = sent.length === expected.length && timingSafeEqual(sent, expected)
    if (!grant || !isSame) {
      send(response, 401, { code: 'Unauthorized', message: 'the token is not that of the task' })
      return
    }
    const { accessKeyId, secretAccessKey, sessionToken, expiresAt } = grant.issue()
    send(response, 200, {
      RoleArn: grant.roleArn,
      AccessKeyId: accessKeyId,
      SecretAccessKey: secretAccessKey,
      Token: sessionToken,
      Expiration: expiresAt.toISOString(),
    })
  }

  #answerMetadata(path: string, response: ServerResponse): void {
    const [, taskId = '', index, rest] =
      /^\/v4\/([0-9a-f]{32})-(\d{1,3})(\/task)?$/.exec(path) ?? []
    const task = this.o.findTask(taskId)
    const container = task?.containers.find(({ runtimeId }) => runtimeId === `${taskId}-${index}`)
    if (!task || !container) send(response, 404, { message: 'there is no such container' })
    else send(response, 200, rest ? taskMetadata(task) : containerMetadata(task, container))
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

function taskMetadata(task: TaskRecord): object {
  return {
    Cluster: task.cluster,
    TaskARN: task.arn,
    Family: task.family,
    Revision: task.taskDefinitionArn.slice(task.taskDefinitionArn.lastIndexOf(':') + 1),
    ...(task.service === undefined ? {} : { ServiceName: task.service }),
    DesiredStatus: task.desiredStatus,
    KnownStatus: task.lastStatus,
    LaunchType: task.launchType,
    Containers: task.containers.map((container) => containerMetadata(task, container)),
  }
}

function containerMetadata(task: TaskRecord, container: ContainerRecord): object {
  return {
    DockerId: container.runtimeId,
    Name: container.name,
    Image: container.image,
    ContainerARN: container.arn,
    Type: 'NORMAL',
    DesiredStatus: task.desiredStatus,
    KnownStatus: container.lastStatus,
    Ports: container.networkBindings.map(({ containerPort, hostPort, protocol }) => ({
      ContainerPort: containerPort,
      HostPort: hostPort,
      Protocol: protocol,
    })),
  }
}
