const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  // Parsers take a bare CR for an LF, and drop text that is only line ends.
  '\r': '&#xD;',
  '\n': '&#xA;',
}

/** Character data for an XML 1.0 document; characters that XML cannot hold become U+FFFD. */
export function xmlText(text: string): string {
  return text
    .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"\r\n]/g, (character) => ENTITIES[character]!)
}

/** An element around content that is XML already. */
export function xmlElement(
  name: string,
  content: string,
  attributes: Readonly<Record<string, string>> = {},
): string {
  const list = Object.entries(attributes).map(([key, value]) => ` ${key}="${xmlText(value)}"`)
  return `<${name}${list.join('')}>${content}</${name}>`
}
