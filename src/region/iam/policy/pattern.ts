/**
 * Patterns of policies: `*` is any run of characters, `?` any one, `${name}` a value of the request.
 *
 * Matching takes time proportional to pattern times text, whatever the pattern: there is no backtracking.
 */
export type Pattern = readonly Piece[]

/** A literal character, one of any kind, or a run; `within` pieces stop at the colon of an ARN. */
type Piece = string | { readonly wild: 'one' | 'many'; readonly within: boolean }

/** The values that a request has for a key, or undefined. Names of keys ignore case. */
export type Lookup = (key: string) => readonly string[] | undefined

const ONE: Piece = { wild: 'one', within: false }
const MANY: Piece = { wild: 'many', within: false }
const VARIABLE = /\$\{([^}]*)\}/g

/** How a pattern's text is read; a lookup is given where the policy's version has variables. */
interface Reading {
  readonly lookup?: Lookup | undefined
  /** Whether wildcards are only characters, as in StringEquals. */
  readonly isLiteral?: boolean
}

/**
 * Reads a pattern and puts in the request's values, whose own wildcards are only characters.
 *
 * @returns undefined when a variable has no single value: then nothing matches
 */
export function readPattern(
  text: string,
  { lookup, isLiteral }: Reading = {},
): Pattern | undefined {
  const pieces: Piece[] = []
  const addText = (part: string) => {
    for (const character of part) {
      if (!isLiteral && character === '*') pieces.push(MANY)
      else if (!isLiteral && character === '?') pieces.push(ONE)
      else pieces.push(character)
    }
  }
  let end = 0
  for (const match of lookup ? text.matchAll(VARIABLE) : []) {
    const value = variableValue(match[1]!, lookup!)
    if (value === undefined) return undefined
    addText(text.slice(end, match.index))
    pieces.push(...value)
    end = match.index + match[0].length
  }
  addText(text.slice(end))
  return pieces
}

/**
 * Reads the pattern of an ARN: a wildcard stays within its part of the ARN, unless it ends the part; the last
 * part, the resource, may hold colons. In conditions it keeps to its part also there.
 *
 * Source: IAM User Guide, "IAM JSON policy elements: Resource", "Using wildcards in resource ARNs".
 */
export function readArnPattern(
  text: string,
  { lookup, keepsToParts = false }: { lookup?: Lookup | undefined; keepsToParts?: boolean } = {},
): Pattern | undefined {
  const pieces = readPattern(text, { lookup })
  let colons = 0
  return pieces?.map((piece, index) => {
    if (piece === ':') colons += 1
    if (typeof piece === 'string' || colons >= 5) return piece
    const next = pieces[index + 1]
    const endsPart = !keepsToParts && piece.wild === 'many' && (next === undefined || next === ':')
    return endsPart ? piece : { ...piece, within: true }
  })
}

/** Whether the whole text is what the pattern says, to the letter. */
export function matches(pattern: Pattern, text: string): boolean {
  const characters = [...text]
  let start = 0
  while (start < pattern.length && typeof pattern[start] === 'string') {
    if (pattern[start] !== characters[start]) return false
    start += 1
  }
  return start === pattern.length
    ? characters.length === start
    : matchesFrom(pattern.slice(start), characters.slice(start))
}

/** All states of the pattern at once, one character after the other. */
function matchesFrom(pattern: Pattern, characters: readonly string[]): boolean {
  let states = new Uint8Array(pattern.length + 1)
  states[0] = 1
  passEmptyRuns(pattern, states)
  for (const character of characters) {
    const next = new Uint8Array(pattern.length + 1)
    let isAlive = false
    for (let at = 0; at < pattern.length; at += 1) {
      const piece = pattern[at]!
      if (!states[at] || !takes(piece, character)) continue
      next[typeof piece !== 'string' && piece.wild === 'many' ? at : at + 1] = 1
      isAlive = true
    }
    if (!isAlive) return false
    passEmptyRuns(pattern, next)
    states = next
  }
  return states[pattern.length] === 1
}

function takes(piece: Piece, character: string): boolean {
  if (typeof piece === 'string') return piece === character
  return !(piece.within && character === ':')
}

function passEmptyRuns(pattern: Pattern, states: Uint8Array): void {
  for (let at = 0; at < pattern.length; at += 1) {
    const piece = pattern[at]!
    if (states[at] && typeof piece !== 'string' && piece.wild === 'many') states[at + 1] = 1
  }
}

/** `${*}`, `${?}` and `${$}` are those characters; `${key, 'default'}` has a value for when the request has none. */
function variableValue(inner: string, lookup: Lookup): string | undefined {
  if (inner === '*' || inner === '?' || inner === '$') return inner
  const [, key = '', fallback] = /^\s*([^\s,]+)\s*(?:,\s*'([^']*)'\s*)?$/.exec(inner) ?? []
  const values = lookup(key)
  return values?.length === 1 ? values[0] : fallback
}
