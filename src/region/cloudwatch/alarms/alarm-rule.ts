import { notValid } from '../faults.ts'
import type { StateValue } from './evaluate.ts'

/** The rule of a composite alarm, read. */
export type AlarmRule =
  | { readonly kind: 'constant'; readonly value: boolean }
  /** True when the alarm, named or by its ARN, is in the state. */
  | { readonly kind: 'state'; readonly state: StateValue; readonly alarm: string }
  | { readonly kind: 'not'; readonly rule: AlarmRule }
  | { readonly kind: 'and' | 'or'; readonly rules: readonly AlarmRule[] }

/** Source: CloudWatch API Reference, PutCompositeAlarm, AlarmRule. */
const MAX_LENGTH = 10_240
const MAX_ELEMENTS = 500
const MAX_CHILDREN = 100

type Token =
  | { readonly kind: 'state'; readonly state: StateValue; readonly alarm: string }
  | { readonly kind: '(' | ')' | 'AND' | 'OR' | 'NOT' | 'TRUE' | 'FALSE' | 'end' }

/**
 * Reads a rule: `ALARM(a) AND (OK("b") OR NOT INSUFFICIENT_DATA(c))`. NOT binds closest, then AND, then OR.
 *
 * Unlike AWS: there is no AT_LEAST.
 *
 * @throws CloudWatchFault `ValidationException`
 */
export function parseAlarmRule(text: string): AlarmRule {
  if (text.length < 1 || text.length > MAX_LENGTH) {
    throw notValid(`AlarmRule has 1 to ${MAX_LENGTH} characters.`)
  }
  const tokens = tokensOf(text)
  const elements = tokens.filter(({ kind }) => !['AND', 'OR', 'NOT', 'end'].includes(kind))
  if (elements.length > MAX_ELEMENTS) {
    throw notValid(`AlarmRule has at most ${MAX_ELEMENTS} elements.`)
  }
  const parser = new Parser(tokens)
  const rule = parser.either()
  parser.take('end')
  if (new Set(alarmsIn(rule)).size > MAX_CHILDREN) {
    throw notValid(`AlarmRule names at most ${MAX_CHILDREN} alarms.`)
  }
  return rule
}

/** The alarms that a rule names, as it names them. */
export function alarmsIn(rule: AlarmRule): string[] {
  switch (rule.kind) {
    case 'constant':
      return []
    case 'state':
      return [rule.alarm]
    case 'not':
      return alarmsIn(rule.rule)
    default:
      return rule.rules.flatMap(alarmsIn)
  }
}

/** Whether a rule holds. @param stateOf  undefined for an alarm that is not there: it is in no state */
export function holds(
  rule: AlarmRule,
  stateOf: (alarm: string) => StateValue | undefined,
): boolean {
  switch (rule.kind) {
    case 'constant':
      return rule.value
    case 'state':
      return stateOf(rule.alarm) === rule.state
    case 'not':
      return !holds(rule.rule, stateOf)
    case 'and':
      return rule.rules.every((one) => holds(one, stateOf))
    case 'or':
      return rule.rules.some((one) => holds(one, stateOf))
  }
}

class Parser {
  #next = 0

  constructor(private readonly tokens: readonly Token[]) {}

  either(): AlarmRule {
    const rules = [this.#both()]
    while (this.#skip('OR')) rules.push(this.#both())
    return rules.length === 1 ? rules[0]! : { kind: 'or', rules }
  }

  take(kind: Token['kind']): void {
    if (!this.#skip(kind)) throw unexpected(this.#peek())
  }

  #both(): AlarmRule {
    const rules = [this.#one()]
    while (this.#skip('AND')) rules.push(this.#one())
    return rules.length === 1 ? rules[0]! : { kind: 'and', rules }
  }

  #one(): AlarmRule {
    const token = this.#peek()
    this.#next += 1
    switch (token.kind) {
      case 'TRUE':
      case 'FALSE':
        return { kind: 'constant', value: token.kind === 'TRUE' }
      case 'state':
        return token
      case 'NOT':
        return { kind: 'not', rule: this.#one() }
      case '(': {
        const rule = this.either()
        this.take(')')
        return rule
      }
      default:
        throw unexpected(token)
    }
  }

  #peek(): Token {
    return this.tokens[this.#next] ?? { kind: 'end' }
  }

  #skip(kind: Token['kind']): boolean {
    if (this.#peek().kind !== kind) return false
    this.#next += 1
    return true
  }
}

const TOKEN =
  /\s*(?:(ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"([^"]{1,1600})"|([^"()\s][^"()]{0,1599}?))\s*\)|(AND|OR|NOT|TRUE|FALSE)\b|([()]))/y

function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  while (text.slice(TOKEN.lastIndex).trim() !== '') {
    const at = TOKEN.lastIndex
    const match = TOKEN.exec(text)
    if (!match)
      throw notValid(`AlarmRule is not understood from here on: '${text.slice(at, at + 40)}'.`)
    const [, state, quoted, bare, word, bracket] = match
    const alarm = quoted ?? bare
    if (state && alarm) tokens.push({ kind: 'state', state: state as StateValue, alarm })
    else tokens.push({ kind: (word ?? bracket) as Exclude<Token['kind'], 'state'> })
  }
  return [...tokens, { kind: 'end' }]
}

function unexpected(token: Token) {
  const name = token.kind === 'state' ? `${token.state}(${token.alarm})` : token.kind
  return notValid(`AlarmRule has ${name === 'end' ? 'an end' : `'${name}'`} where it does not fit.`)
}
