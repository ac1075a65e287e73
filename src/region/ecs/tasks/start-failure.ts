/**
 * Why a task could not start, in the words of ECS, as `CannotPullContainerError: …`: what stands in the task's `stoppedReason`
 * and in the container's `reason`. The client reads it, so it names neither paths nor values.
 *
 * Source: ECS Developer Guide, "Amazon ECS stopped tasks error messages".
 */
export class StartFailure extends Error {
  constructor(
    message: string,
    /** The container that it is about; undefined for all. */
    readonly container?: string,
  ) {
    super(message)
  }
}
