const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  // Parsers take a bare CR for an LF, and drop text that is only line ends.
  '\r': '&#xD;',
  '\n': '&#xA;',
}

const UNFIT = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff&<>"\r\n]/

/** Character data for an XML 1.0 document; characters that XML cannot hold become U+FFFD. */
export function xmlText(text: string): string {
  if (!UNFIT.test(text)) return text
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
  let list = ''
  for (const key in attributes) list += ` ${key}="${xmlText(attributes[key]!)}"`
  return `<${name}${list}>${content}</${name}>`
}
