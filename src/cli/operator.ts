import { userInfo } from 'node:os'

/** Who approves and skips, as the execution and the incident document will name them. */
export function operator(environment: NodeJS.ProcessEnv): string {
  if (environment.LIFEBOAT_OPERATOR) return environment.LIFEBOAT_OPERATOR
  try {
    return userInfo().username
  } catch (error) {
    // An account without an entry in /etc/passwd, as in many containers.
    if (error instanceof Error) return `uid ${process.getuid?.()}`
    throw error
  }
}
