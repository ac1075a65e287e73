/**
 * Services that are one for all regions: any region answers, whichever a signature is scoped to, because clients
 * sign with their own region or with us-east-1.
 */
export const GLOBAL_SERVICES: ReadonlySet<string> = new Set(['iam'])
