/**
 * Works on items as they come, on several at a time. After a failure no further item is begun; those that have begun are
 * waited for, and the first failure is thrown.
 */
export async function concurrently<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  work: (item: Item) => Promise<void>,
  { atATime = 16, signal }: { atATime?: number; signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const coming =
    Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
  let hasFailed = false
  const worker = async () => {
    try {
      for (;;) {
        signal?.throwIfAborted()
        const next = hasFailed ? undefined : await coming.next()
        if (!next || next.done) return
        await work(next.value)
      }
    } catch (error) {
      hasFailed = true
      throw error
    }
  }
  const ended = await Promise.allSettled(Array.from({ length: atATime }, worker))
  await coming.return?.()
  for (const result of ended) if (result.status === 'rejected') throw result.reason
}
