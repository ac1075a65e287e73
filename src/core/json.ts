/** What a text says as JSON; undefined for what is none. The parser's message, which quotes what it read, goes no further. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
