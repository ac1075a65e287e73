import type { ListFunctionsRequest, ListFunctionsResponse } from '../../protocol/models/lambda.ts'
import { checkedNumber, invalidParameter, refuseUnsupported } from '../checks.ts'
import { functionShape } from '../function-shape.ts'
import type { Lambda } from '../lambda.ts'

/** So many at most are in a page, whatever is asked for. Source: Lambda API Reference, ListFunctions. */
const PAGE = 50

/** Ordered by name; the marker says after which name the next page begins. @throws LambdaFault `InvalidParameterValueException` */
export async function listFunctions(
  lambda: Lambda,
  { Marker, MaxItems, MasterRegion, FunctionVersion }: ListFunctionsRequest,
): Promise<Omit<ListFunctionsResponse, '$metadata'>> {
  refuseUnsupported({ MasterRegion })
  if (FunctionVersion !== undefined && FunctionVersion !== 'ALL') {
    throw invalidParameter(`'${FunctionVersion}' at 'functionVersion' is not ALL.`)
  }
  const asked = checkedNumber('maxItems', MaxItems, { least: 1, most: 10_000, usual: PAGE })
  const after = Marker === undefined ? '' : nameIn(Marker)
  const rest = lambda.functions().filter(({ name }) => name > after)
  const page = rest.slice(0, Math.min(asked, PAGE))
  const last = page.at(-1)?.name ?? ''
  return {
    Functions: page.map((fn) => functionShape(fn, lambda.arnOf(fn.name))),
    ...(rest.length > page.length && {
      NextMarker: Buffer.from(`after:${last}`).toString('base64url'),
    }),
  }
}

function nameIn(marker: string): string {
  const text = Buffer.from(marker, 'base64url').toString()
  if (text.startsWith('after:')) return text.slice('after:'.length)
  throw invalidParameter('Marker is none that was told.')
}
