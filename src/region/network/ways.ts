import type { ChildMessage } from '../child-life.ts'

/** How a region reaches a server of another region of its home. */
export interface Ways {
  /**
   * The loopback port by which a port of another region is reached; it stays the same while this process lives.
   *
   * @throws Error when the gateway has gone
   */
  portTo(region: string, port: number): Promise<number>
}

/** Of a region that nobody holds: straight. */
export const STRAIGHT: Ways = { portTo: async (_, port) => port }

/** What a gateway answers to `link`. */
export interface LinkMessage {
  readonly kind: 'linked'
  readonly id: number
  readonly port: number
}

/** By the gateway that has forked this process. */
export function waysOfGateway(): Ways {
  let last = 0
  return {
    portTo: (to, port) =>
      new Promise((resolve, reject) => {
        last += 1
        const id = last
        const hear = (message: LinkMessage) => {
          if (message.kind !== 'linked' || message.id !== id) return
          process.off('message', hear)
          process.off('disconnect', gone)
          resolve(message.port)
        }
        const gone = () => reject(new Error('the gateway has gone'))
        process.on('message', hear)
        process.once('disconnect', gone)
        if (!process.connected) return gone()
        process.send?.({ kind: 'link', id, to, port } satisfies ChildMessage)
      }),
  }
}
