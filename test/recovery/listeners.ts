import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'

interface Post {
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: string
}

/** A real HTTP server that is told things; its paths are as well as their names. */
export interface PostTarget {
  readonly url: string
  readonly port: number
  /** Whether `/ill` is ill. */
  isIll: boolean
  /** What came to a path since it was last taken. */
  take(path: string): Post[]
  count(path: string): number
  stop(): Promise<void>
}

export async function listenForPosts(): Promise<PostTarget> {
  const posts: Post[] = []
  const server = createServer(async (request, response) => {
    const path = request.url ?? ''
    const headers = request.headers as Record<string, string>
    posts.push({ path, headers, body: await textOf(request) })
    answer(path, response, target.isIll)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const target: PostTarget = {
    url: `http://127.0.0.1:${port}`,
    port,
    isIll: false,
    take: (path) => {
      const taken = posts.filter((one) => one.path === path)
      posts.splice(0, posts.length, ...posts.filter((one) => one.path !== path))
      return taken
    },
    count: (path) => posts.filter((one) => one.path === path).length,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return target
}

function answer(path: string, response: ServerResponse, isIll: boolean): void {
  if (path === '/slow') return
  if (path === '/redirect') response.writeHead(302, { location: '/trap' }).end()
  else if (path === '/500' || (path === '/ill' && isIll)) response.writeHead(500).end('canary')
  else if (path === '/endless') endless(response)
  else response.writeHead(200).end('ok')
}

/** Answers for ever, as long as somebody listens. */
function endless(response: ServerResponse): void {
  response.writeHead(200)
  const more = () => {
    while (!response.destroyed && response.write('x'.repeat(64 * 1024)));
  }
  response.on('drain', more)
  more()
}

async function textOf(stream: IncomingMessage | NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString()
}

/** A real SMTP server that wants a login. */
export interface MailTarget {
  readonly port: number
  take(): { readonly to: readonly string[]; readonly text: string }[]
  stop(): Promise<void>
}

export async function listenForMail(login: {
  user: string
  password: string
}): Promise<MailTarget> {
  const mails: { to: string[]; text: string }[] = []
  const server = new SMTPServer({
    allowInsecureAuth: true,
    disabledCommands: ['STARTTLS'],
    onAuth: ({ username, password }, _session, done) => {
      const isRight = username === login.user && password === login.password
      done(isRight ? null : new Error('wrong login'), { user: username ?? '' })
    },
    onData: (stream, session, done) => {
      void textOf(stream).then((text) => {
        mails.push({ to: session.envelope.rcptTo.map(({ address }) => address), text })
        done()
      })
    },
  })
  server.listen(0, '127.0.0.1')
  await new Promise<void>((resolve) => server.server.once('listening', () => resolve()))
  return {
    port: (server.server.address() as AddressInfo).port,
    take: () => mails.splice(0),
    stop: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}
