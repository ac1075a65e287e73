import { connect, type Socket } from 'node:net'
import { createTransport } from 'nodemailer'
import type { Delivery } from './post.ts'

export interface Mail {
  readonly server: { readonly host: string; readonly port: number }
  readonly tls: 'starttls' | 'implicit' | 'none'
  readonly login?: { readonly user: string; readonly password: string }
  readonly from: string
  readonly to: readonly string[]
  readonly subject: string
  readonly text: string
  /** Without angle brackets: the same for the same mail. */
  readonly messageId: string
}

/**
 * One mail over SMTP, on a session of its own.
 *
 * @param timeoutMs  for the whole of it, connecting included
 */
export async function sendMail(mail: Mail, timeoutMs: number): Promise<Delivery> {
  const socket = connect(mail.server)
  let hasLeft = false
  const transport = createTransport({
    secure: mail.tls === 'implicit',
    requireTLS: mail.tls === 'starttls',
    ignoreTLS: mail.tls === 'none',
    tls: { servername: mail.server.host },
    disableFileAccess: true,
    disableUrlAccess: true,
    // Told only that the end of the message was written: from then on the server may have taken it.
    logger: {
      info: ({ tnx }: { tnx?: string }) => {
        if (tnx === 'message') hasLeft = true
      },
    },
    getSocket: (_, ready) => whenConnected(socket, ready),
    ...(mail.login && { auth: { user: mail.login.user, pass: mail.login.password } }),
  })
  const late = new Error(`within ${Math.ceil(timeoutMs / 1000)} s`)
  const timer = setTimeout(() => socket.destroy(late), timeoutMs)
  try {
    const { from, subject, text, messageId } = mail
    const sent = await transport.sendMail({
      ...{ from, to: [...mail.to], subject, text, messageId: `<${messageId}>` },
    })
    const { length } = sent.rejected
    if (length === 0) return { state: 'sent' }
    return { state: 'sent', reason: `but not to ${length} of ${mail.to.length} recipients` }
  } catch (error) {
    return failed(error, hasLeft, socket.errored === late ? late.message : undefined)
  } finally {
    clearTimeout(timer)
    socket.destroy()
  }
}

function whenConnected(
  socket: Socket,
  ready: (error: Error | null, socketOptions: false | { connection: Socket }) => void,
): void {
  const onError = (error: Error) => ready(error, false)
  socket.once('error', onError)
  socket.once('connect', () => {
    socket.off('error', onError)
    ready(null, { connection: socket })
  })
}

/** What the server answers is its own text, which may quote what it was sent, so that only its number is told. */
function failed(error: unknown, hasLeft: boolean, late: string | undefined): Delivery {
  const { responseCode, code = 'unknown' } = error as { responseCode?: number; code?: string }
  if (responseCode !== undefined) return { state: 'failed', reason: `it answers ${responseCode}` }
  const why = late ?? `(${code})`
  return hasLeft
    ? { state: 'unknown', reason: `it has not said whether it took the mail ${why}` }
    : { state: 'failed', reason: `the mail was not handed over ${why}` }
}
