import { labelsOf, type Name, NameError, type NameProblem, parseName } from '../../dns/name.ts'

/** How Route 53 calls what is wrong with a name; the first two as users have reported them, the others in their likeness. */
export const NAME_PROBLEMS: Readonly<Record<NameProblem, string>> = {
  'empty label': 'DomainLabelEmpty (Domain label is empty)',
  'bad character': 'UnsupportedCharacter (Value contains unsupported characters)',
  'long label': 'DomainLabelTooLong (Domain label is too long)',
  'long name': 'DomainNameTooLong (Domain name is too long)',
}

/** @throws what `refuse` makes of the problem, in words */
export function domainName(text: string, refuse: (words: string) => Error): Name {
  try {
    return parseName(text)
  } catch (error) {
    if (!(error instanceof NameError)) throw error
    throw refuse(`FATAL problem: ${NAME_PROBLEMS[error.problem]} encountered with '${text}'`)
  }
}

/** As the API gives names: with the last dot. */
export function displayName(name: Name): string {
  return `${name}.`
}

/** By which names are ordered: `com.example.www.`, compared as a whole, so that the dots count. */
export function orderOf(name: Name): string {
  return `${labelsOf(name).reverse().join('.')}.`
}
