import { AuthFault } from './auth-fault.ts'
import { VerifiedRequest, type Verifier } from './sigv4.ts'

/** No client makes a longer one. */
const MAX_LENGTH = 16_384

/**
 * Verifies a request that somebody signed as a URL and gave to somebody else to show, as clients do for work across regions.
 * It is not sent anywhere: its signature proves what its signer wants of the region that it is scoped to.
 *
 * @param verifier  of that region
 * @throws Fault as `VerifiedRequest.verify`
 */
export function verifyPresignedRequest(text: string, verifier: Verifier): VerifiedRequest {
  const isUrl = text.length <= MAX_LENGTH && URL.canParse(text)
  const url = new URL(isUrl ? text : 'invalid://')
  if (url.pathname !== '/' || url.hash !== '' || url.username !== '') {
    throw new AuthFault('IncompleteSignature', 'It is not the URL of a request.')
  }
  // Some sign the name of the host alone although the URL has a port, and some leave out of what they sign what has no value.
  const targets = [...new Set([targetIn(text), targetIn(text).replace(/[?&][^=&]+(?=&|$)/g, '')])]
  const hosts = [...new Set([url.host, url.hostname])]
  const ways = targets.flatMap((target) => hosts.map((host) => ({ target, host })))
  for (const [index, { target, host }] of ways.entries()) {
    const raw = { method: 'GET', target, rawHeaders: ['host', host], body: Buffer.alloc(0) }
    try {
      return VerifiedRequest.verify(raw, verifier, { isLifetimeOptional: true })
    } catch (error) {
      const isOther = error instanceof AuthFault && error.shape === 'SignatureDoesNotMatch'
      if (!isOther || index === ways.length - 1) throw error
    }
  }
  throw new AuthFault('IncompleteSignature', 'It is not the URL of a request.')
}

function targetIn(text: string): string {
  const mark = text.indexOf('?')
  return mark < 0 ? '/' : `/${text.slice(mark)}`
}
