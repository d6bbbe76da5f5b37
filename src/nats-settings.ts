/** Where NATS is and how to sign in there: what BUS_URL says. */
export type NatsAddress = {
  /** `host:port` of each server. */
  readonly servers: readonly string[]
  /** Whether only connections over TLS are used. */
  readonly isTls: boolean
  readonly login: NatsLogin | undefined
}

/** How to reach NATS. The files are read again for each connection. */
export type NatsSettings = {
  readonly address: NatsAddress
  /** The file with the credentials of a user (JWT and seed); undefined when the address says who signs in, or nobody does. */
  readonly credentialsPath: string | undefined
  /** PEM of the authorities that are trusted for the servers; undefined for those of Node.js. */
  readonly caPath: string | undefined
}

type NatsLogin = { readonly user: string; readonly pass: string } | { readonly token: string }

/** NATS' own default. */
const defaultPort = 4222

/**
 * Reads `nats://user:password@a:4222,b:4222`. Each server may also be a whole address, as NATS writes lists. A user without
 * a password is a token. TLS counts for all servers when one of them begins with `tls://`. Undefined when the text is no
 * such list, or names several users.
 */
export function readNatsAddress(text: string): NatsAddress | undefined {
  const [scheme] = /^(nats|tls):\/\//.exec(text) ?? []
  if (scheme === undefined) return undefined
  const urls = text.split(',').map((part) => readUrl(part.trim(), scheme))
  const servers: string[] = []
  const logins = new Map<string, NatsLogin>()
  for (const url of urls) {
    const login = url && loginOf(url)
    if (url === undefined || login === null) return undefined
    servers.push(`${url.hostname}:${url.port || defaultPort}`)
    if (login !== undefined) logins.set(`${url.username}:${url.password}`, login)
  }
  if (logins.size > 1) return undefined
  const [login] = logins.values()
  return { servers, isTls: urls.some((url) => url?.protocol === 'tls:'), login }
}

function readUrl(part: string, scheme: string): URL | undefined {
  const text = part.includes('://') ? part : scheme + part
  if (!/^(nats|tls):\/\//.test(text) || !URL.canParse(text)) return undefined
  const url = new URL(text)
  const isServer = url.hostname !== '' && /^\/?$/.test(url.pathname) && url.search === '' && url.hash === ''
  return isServer ? url : undefined
}

/** Undefined without a user, null when it cannot be read. */
function loginOf({ username, password }: URL): NatsLogin | undefined | null {
  if (username === '') return password === '' ? undefined : null
  try {
    const user = decodeURIComponent(username)
    return password === '' ? { token: user } : { user, pass: decodeURIComponent(password) }
  } catch {
    return null
  }
}
