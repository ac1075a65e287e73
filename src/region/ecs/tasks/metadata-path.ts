/** Where a container can ask about itself. Nobody else has it in the environment. */
export function metadataPath(runtimeId: string): string {
  return `/v4/${runtimeId}`
}
