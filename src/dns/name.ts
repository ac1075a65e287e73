/**
 * A domain name as it is compared and kept: lower case, absolute, without the last dot. Bytes other than `a`-`z`, `0`-`9`,
 * `-` and `_` are written `\ooo`, so a dot always ends a label and `\052` is an asterisk. The root is the empty text.
 */
export type Name = string

/** Source: RFC 1035, 2.3.4. In bytes; of a whole name with the lengths of its labels and the root. */
const MAX_LABEL_BYTES = 63
const MAX_NAME_BYTES = 255

export const WILDCARD = '\\052'

/** Why a text is no domain name. */
export type NameProblem = 'empty label' | 'long label' | 'long name' | 'bad character'

export class NameError extends Error {
  override readonly name = 'NameError'
  constructor(readonly problem: NameProblem) {
    super(`not a domain name: ${problem}`)
  }
}

/**
 * Reads a name as people write one: the last dot may be missing, any byte may be `\ooo`, in octal.
 *
 * @throws NameError
 */
export function parseName(text: string): Name {
  if (text === '.' || text === '') return ''
  const labels = text.replace(/\.$/, '').split('.').map(bytesOfLabel)
  if (labels.some((label) => label.length === 0)) throw new NameError('empty label')
  if (labels.some((label) => label.length > MAX_LABEL_BYTES)) throw new NameError('long label')
  if (wireLength(labels) > MAX_NAME_BYTES) throw new NameError('long name')
  return labels.map(formatLabel).join('.')
}

/** The labels of a name, the leftmost first; none of the root. */
export function labelsOf(name: Name): string[] {
  return name === '' ? [] : name.split('.')
}

/** The name without its leftmost label; undefined of the root. */
export function parentOf(name: Name): Name | undefined {
  if (name === '') return undefined
  const dot = name.indexOf('.')
  return dot < 0 ? '' : name.slice(dot + 1)
}

/** Whether `name` is `ancestor` or lies below it. */
export function isWithin(name: Name, ancestor: Name): boolean {
  return ancestor === '' || name === ancestor || name.endsWith(`.${ancestor}`)
}

/** The bytes of a name in a message, uncompressed. */
export function wireName(name: Name): Buffer {
  const labels = labelsOf(name).map(bytesOfLabel)
  const bytes = Buffer.alloc(wireLength(labels))
  let offset = 0
  for (const label of labels) {
    bytes[offset] = label.length
    offset += 1 + label.copy(bytes, offset + 1)
  }
  return bytes
}

/**
 * Reads an uncompressed name, as the first one of a message is.
 *
 * @returns undefined when it is longer than a name may be, is compressed, or ends with the message
 */
export function readName(message: Buffer, start: number): { name: Name; end: number } | undefined {
  const labels: string[] = []
  let offset = start
  while (offset < message.length && offset - start < MAX_NAME_BYTES) {
    const length = message[offset]!
    if (length === 0) return { name: labels.join('.'), end: offset + 1 }
    // The two highest bits would mark a pointer.
    if (length > MAX_LABEL_BYTES || offset + 1 + length > message.length) return undefined
    labels.push(formatLabel(message.subarray(offset + 1, offset + 1 + length)))
    offset += 1 + length
  }
  return undefined
}

function wireLength(labels: readonly Buffer[]): number {
  return labels.reduce((sum, label) => sum + 1 + label.length, 1)
}

function bytesOfLabel(label: string): Buffer {
  if (!label.includes('\\')) {
    if (!/^[!-~]*$/.test(label)) throw new NameError('bad character')
    return Buffer.from(label, 'latin1')
  }
  const bytes: number[] = []
  for (const [, octal, escaped, plain] of label.matchAll(
    /\\([0-3][0-7]{2})|\\([^0-9])|([^\\])|\\/g,
  )) {
    const character = escaped ?? plain
    if (octal !== undefined) bytes.push(Number.parseInt(octal, 8))
    else if (character !== undefined && /^[!-~]$/.test(character))
      bytes.push(character.charCodeAt(0))
    else throw new NameError('bad character')
  }
  return Buffer.from(bytes)
}

const PLAIN = /^[a-z0-9_-]*$/

function formatLabel(bytes: Buffer): string {
  const text = bytes.toString('latin1').replace(/[A-Z]/g, (letter) => letter.toLowerCase())
  if (PLAIN.test(text)) return text
  return text.replace(/[^a-z0-9_-]/g, (character) => {
    return `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`
  })
}
