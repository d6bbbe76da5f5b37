import { once } from 'node:events'
import { createServer } from 'node:http'
import { createSignIn, type Registration, type Tokens } from './sign-in.ts'

/**
 * Signs in a person at a terminal: prints an address to open, and waits for the browser to return to a port of this
 * machine (RFC 8252). Resolves with the tokens, and how to renew them.
 */
export async function signInAtTerminal(
  registration: Omit<Registration, 'redirectUri'>,
  say: (line: string) => void,
): Promise<{ readonly tokens: Tokens; readonly renew: (tokens: Tokens) => Promise<Tokens> }> {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  try {
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('No port is free.')
    const redirectUri = `http://127.0.0.1:${address.port}/signed-in`
    const { begin, finish, renew } = createSignIn({ ...registration, redirectUri })
    const { address: signInAddress, attempt } = await begin()
    say(`Open ${signInAddress}`)
    for (;;) {
      const [request, response] = await once(server, 'request')
      const callback = new URL(request.url, redirectUri)
      response.setHeader('connection', 'close').end('You can close this page.')
      if (callback.pathname !== '/signed-in') continue
      return { tokens: await finish(callback, attempt), renew }
    }
  } finally {
    server.close()
  }
}
