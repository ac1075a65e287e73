const HEADERS = [
  'CacheControl',
  'ContentDisposition',
  'ContentEncoding',
  'ContentLanguage',
  'ContentType',
  'WebsiteRedirectLocation',
] as const

/** The headers of an object that its owner has set, by the names of the SDK. */
export function headersOf(
  answer: Readonly<Partial<Record<(typeof HEADERS)[number], string | undefined>>>,
): Record<string, string> {
  const present = HEADERS.flatMap((name) => {
    const value = answer[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return Object.fromEntries(present)
}
