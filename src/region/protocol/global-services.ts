/** Services that are one for all regions: clients sign for their own region or for `GLOBAL_REGION`, and either is right. */
export const GLOBAL_SERVICES: ReadonlySet<string> = new Set(['iam', 'route53'])

/** Where AWS has the control planes of its global services. */
export const GLOBAL_REGION = 'us-east-1'
