/** The region that sends a request to another one. The gateway routes by it; nobody's rights depend on it. */
export const SENDER_HEADER = 'x-lifeboat-from'
