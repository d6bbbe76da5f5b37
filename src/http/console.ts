import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Deps } from '../deps.ts'
import { recordOf } from '../log/request-record.ts'
import { openAssets, sendAsset } from './asset.ts'
import { respond } from './respond.ts'
import type { Mount } from './server.ts'

/**
 * The path of the console. IoT Hub's clients use `/devices`, `/jobs` and more at the root, some of which a browser
 * could request too: below a path of its own, the console can never be confused with them.
 */
const base = '/console'

/**
 * The names that the build gives: no dots except before the extension, no slashes, so that none can lead out of the
 * folder.
 */
const asset = /^\/console\/assets\/([\w-]+\.[a-z\d]+)$/

/** A name with an extension, which is no page; jobs and devices may have such names. */
const otherFile = /^\/console\/(?!(?:jobs|devices)\/)(?:.*\/)?[^/]+\.[^/.]+$/

/** The settings of the hub that are embedded in the page. */
export type ConsoleSettings = {
  /** The name that devices use to connect and to sign (`HUB_HOST_NAME`), whatever name the page was requested under. */
  readonly hubHostName: string
  /** The port at which devices connect over TLS; undefined for the usual one, which another program serves. */
  readonly mqttsPort: number | undefined
  /** Whether the hub serves GraphiQL. */
  readonly graphiql: boolean
  /** How persons sign in; undefined where they cannot. */
  readonly signIn?: (() => Promise<SignInSettings>) | undefined
}

/** How the page signs persons in: by OpenID Connect, as the client `clientId` of the issuer. */
export type SignInSettings = {
  readonly issuer: string
  readonly clientId: string
  /** What tokens must be for. */
  readonly audiences: readonly string[]
  /** From the discovery document of the issuer; undefined while that has never been reachable. */
  readonly provider: { readonly token_endpoint: string } | undefined
}

/**
 * The mounts of the console: its pages and files, from the folder that `vite build` wrote, and the redirect from `/`.
 */
export function mountConsole(deps: Pick<Deps, 'log'>, folder: string, settings: ConsoleSettings): Mount[] {
  const find = openAssets(folder)
  const handle: Mount['handle'] = (request, response) => {
    serve({ find, ...settings }, request, response).catch((error: unknown) => {
      deps.log.error({ err: error, requestId: recordOf(request).id }, 'console file could not be sent')
      response.destroy()
    })
  }
  const methods = ['GET', 'HEAD']
  return [
    {
      path: '/',
      methods,
      isOpen: () => true,
      handle: (_request, response) => response.writeHead(302, { location: `${base}/`, 'content-length': 0 }).end(),
    },
    { path: base, below: true, methods, handle, isOpen: () => true },
  ]
}

type Served = ConsoleSettings & { readonly find: ReturnType<typeof openAssets> }

async function serve(served: Served, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url?.split('?', 1)[0] ?? ''
  if (!path.startsWith(`${base}/assets/`) && !otherFile.test(path)) return servePage(served, path, response)
  const [, name] = asset.exec(path) ?? []
  const found = name === undefined ? undefined : await served.find(`assets/${name}`)
  if (found === undefined) {
    respond(response, 404, { message: 'The console does not have this file, or no longer has it. Reload the page.' })
    return
  }
  // Other content has another name.
  sendAsset(request, response, found, { 'cache-control': 'public, max-age=31536000, immutable' })
}

/**
 * The file for a page. All of them show every page, because the console chooses it by the address; each names the files
 * of its own page, so that the browser requests them at once.
 */
function pageFileOf(path: string): string {
  const [place = '', ...each] = path.slice(base.length + 1).split('/')
  const name = /^[a-z]+$/.test(place) ? place : 'jobs'
  return each.some((part) => part !== '') ? `pages/${name}/each.html` : `pages/${name}.html`
}

async function servePage(
  { find, hubHostName, mqttsPort, graphiql, signIn }: Served,
  path: string,
  response: ServerResponse,
): Promise<void> {
  const page = (await find(pageFileOf(path))) ?? (await find('index.html'))
  if (page === undefined) {
    const text = 'The console is not built. Run "npm run build" in the folder of this hub, then reload this page.\n'
    response.writeHead(503, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' }).end(text)
    return
  }
  // Its editor creates styles at runtime; the policy allows them by an unpredictable number.
  const nonce = randomBytes(16).toString('base64')
  const signingIn = await signIn?.()
  const settings: Readonly<Record<string, string>> = {
    nonce,
    hubHostName,
    mqttsPort: mqttsPort === undefined ? '' : String(mqttsPort),
    graphiql: String(graphiql),
    signIn: signingIn === undefined ? '' : JSON.stringify(signingIn),
  }
  const text = page.bytes
    .toString('utf8')
    .replace(/\{\{(nonce|hubHostName|mqttsPort|graphiql|signIn)\}\}/g, (_, name: string) =>
      escaped(settings[name] ?? ''),
    )
  const body = Buffer.from(text)
  response.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-length': body.length,
    'cache-control': 'no-cache',
    'content-security-policy': policy(nonce, signingIn?.provider),
    'cross-origin-opener-policy': 'same-origin',
  })
  response.end(body)
}

/** The text as the value of an attribute. */
const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

/**
 * Nothing from other origins except tokens of the provider, no inline scripts, no embedding in other pages. `data:` is
 * the editor's wavy line.
 */
function policy(nonce: string, provider: SignInSettings['provider']): string {
  const connected = provider === undefined ? "'self'" : `'self' ${new URL(provider.token_endpoint).origin}`
  return [
    "default-src 'self'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    `connect-src ${connected}`,
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}
