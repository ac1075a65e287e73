/** Makes and reads the ARNs of a region's ECS resources. Source: ECS Developer Guide, "ARNs and IDs". */
export class EcsArns {
  constructor(private readonly o: { readonly region: string; readonly accountId: string }) {}

  cluster(name: string): string {
    return this.#arn(`cluster/${name}`)
  }

  service(cluster: string, name: string): string {
    return this.#arn(`service/${cluster}/${name}`)
  }

  task(cluster: string, id: string): string {
    return this.#arn(`task/${cluster}/${id}`)
  }

  container(cluster: string, taskId: string, id: string): string {
    return this.#arn(`container/${cluster}/${taskId}/${id}`)
  }

  taskDefinition(family: string, revision: number | string): string {
    return this.#arn(`task-definition/${family}:${revision}`)
  }

  /**
   * The last part of a name or an ARN of that kind; an ARN of another region, account or kind is the name of nothing.
   * `service/CLUSTER/NAME` gives NAME.
   */
  nameIn(kind: 'cluster' | 'service' | 'task' | 'task-definition', nameOrArn: string): string {
    if (!nameOrArn.startsWith('arn:')) return nameOrArn
    const prefix = this.#arn(`${kind}/`)
    return nameOrArn.startsWith(prefix) ? nameOrArn.slice(nameOrArn.lastIndexOf('/') + 1) : ''
  }

  #arn(resource: string): string {
    return `arn:aws:ecs:${this.o.region}:${this.o.accountId}:${resource}`
  }
}
