/** The name, the partial ARN or the ARN of a Lambda function, each with or without a version or an alias. */
export const FUNCTION_NAME =
  /^(?:(?:arn:aws[a-z-]*:lambda:([a-z0-9-]+):)?(\d{12}):function:)?([A-Za-z0-9_-]{1,64}(?::(?:\$LATEST|[A-Za-z0-9_-]{1,128}))?)$/

/** The ARN by which a policy allows to call a function; of any account where the name says none. */
export function functionArn(name: string, region: string): string {
  if (name.startsWith('arn:')) return name
  const [, , account = '*', own = name] = FUNCTION_NAME.exec(name) ?? []
  return `arn:aws:lambda:${region}:${account}:function:${own}`
}

/** The region that an ARN names; undefined for a name. */
export function regionOfFunction(name: string): string | undefined {
  return FUNCTION_NAME.exec(name)?.[1]
}
