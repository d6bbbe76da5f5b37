import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import * as http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { type ConsoleSettings, mountConsole, type SignInSettings } from '../../src/http/console.ts'
import { createHttpServer, type HttpServer, type Mount } from '../../src/http/server.ts'
import { defaultLimits } from '../../src/limits/limits.ts'
import { restPaths } from '../../src/rest/router.ts'
import { loadOrMakeCertificate } from '../../src/tls/certificate.ts'
import { openAnywhere } from './serve.ts'

const deps = { limits: defaultLimits, clock: systemClock, log: pino({ level: 'silent' }) }

type Reply = { status: number; headers: http.IncomingHttpHeaders; body: string }

/** The path is sent as it is: a client that tidied it up could not try to get out. */
function ask(path: string, method = 'GET', on = url): Promise<Reply> {
  const { hostname, port } = new URL(on)
  return new Promise((resolve, reject) => {
    const sent = http.request({ hostname, port, path, method, agent: false }, (response) => {
      let body = ''
      response.on('data', (chunk) => {
        body += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
    })
    sent.on('error', reject)
    sent.end()
  })
}

let temporary: string
let url: string
let urlWithout: string
let urlWithSignIn: string
let provider: SignInSettings['provider']
const signIn = { issuer: 'https://login.example', clientId: `"<a'&b>"`, audiences: ['hub'] }
const servers: HttpServer[] = []

beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'twincast-test-'))
  const tls = await loadOrMakeCertificate(temporary, { hostNames: [], now: new Date() })
  const built = join(temporary, 'console')
  await mkdir(join(built, 'assets'), { recursive: true })
  await writeFile(
    join(built, 'index.html'),
    '<meta nonce="{{nonce}}"><script nonce="{{nonce}}"></script><meta content="{{hubHostName}}">' +
      '<meta name="graphiql" content="{{graphiql}}"><meta name="sign-in" content="{{signIn}}">',
  )
  await mkdir(join(built, 'pages', 'devices'), { recursive: true })
  await writeFile(join(built, 'pages', 'devices.html'), 'with the files of the list')
  await writeFile(join(built, 'pages', 'devices', 'each.html'), 'with the files of one device')
  await writeFile(join(built, 'assets', 'index-Ab_1-x.js'), 'export {}')
  await writeFile(join(built, 'assets', 'page-2.css'), 'a {}')
  await writeFile(join(built, 'assets', 'page-2.map'), '{}')
  await writeFile(join(temporary, 'secret.js'), 'a secret')
  const other = (path: string): Mount => ({
    path,
    below: true,
    methods: ['GET'],
    handle: (request, response) => response.end(`not the console: ${request.url}`),
  })
  const serve = async (folder: string, more: Partial<ConsoleSettings> = {}): Promise<string> => {
    const server = createHttpServer(deps, {
      mounts: {
        graphql: { ...other('/graphql'), below: false },
        rest: restPaths.map(other),
        console: mountConsole(deps, folder, { hubHostName: 'hub.example', mqttsPort: 8884, graphiql: false, ...more }),
      },
      whyNotReady: () => undefined,
      ...tls,
    })
    servers.push(server)
    return (await openAnywhere(server)).http
  }
  url = await serve(built)
  urlWithout = await serve(join(temporary, 'nowhere'))
  urlWithSignIn = await serve(built, { graphiql: true, signIn: async () => ({ ...signIn, provider }) })
})

afterAll(async () => {
  await Promise.all(servers.map((server) => server.close()))
  await rm(temporary, { recursive: true })
})

describe('pages', () => {
  test('the root leads to the console', async () => {
    expect(await ask('/')).toMatchObject({ status: 302, headers: { location: '/console/' } })
  })

  test('every address of the console is answered with its page, asked for again each time', async () => {
    for (const path of [
      '/console',
      '/console/',
      '/console/jobs?status=running',
      '/console/jobs/a.js',
      '/console/x/y',
    ]) {
      const { status, headers } = await ask(path)
      expect(status).toBe(200)
      expect(headers).toMatchObject({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache' })
    }
  })

  test('a page names its own files, whichever job or device it shows', async () => {
    const bodies = [
      '/console/devices',
      '/console/devices/?condition=*',
      '/console/devices/a.js',
      '/console/devices/a/b',
    ]
    expect(await Promise.all(bodies.map(async (path) => (await ask(path)).body))).toEqual([
      'with the files of the list',
      'with the files of the list',
      'with the files of one device',
      'with the files of one device',
    ])
  })

  test('a file that the console does not have is not answered with a page', async () => {
    for (const path of ['/console/schema.graphql', '/console/favicon.ico', '/console/x/y.js?v=1']) {
      const { status, headers, body } = await ask(path)
      expect({ path, status }).toEqual({ path, status: 404 })
      expect(headers['content-type']).toBe('application/json; charset=utf-8')
      expect(JSON.parse(body)).toEqual({ message: expect.stringContaining('does not have this file') })
    }
  })

  test('the other mounts keep their paths, also those that the console has pages for', async () => {
    for (const path of ['/graphql', '/devices', '/devices/a', '/jobs/v2', '/twins/a']) {
      expect((await ask(path)).body).toBe(`not the console: ${path}`)
    }
    expect((await ask('/consolex')).status).toBe(404)
    expect((await ask('/schedule')).status).toBe(404)
  })

  test('the policy lets in nothing from elsewhere, no script in the page, and styles that carry its nonce', async () => {
    const { headers, body } = await ask('/console/')
    const policy = String(headers['content-security-policy'])
    expect(policy).toContain("default-src 'self'; script-src 'self'; style-src 'self' 'nonce-")
    expect(policy).not.toContain('unsafe')
    const [, nonce] = /'nonce-([\w+/=]+)'/.exec(policy) ?? []
    expect(body).toContain(`<meta nonce="${nonce}"><script nonce="${nonce}"></script>`)
    expect((await ask('/console/')).body).not.toBe(body)
  })
})

describe('the sign-in', () => {
  const ofPage = async (on = url) => {
    const { headers, body } = await ask('/console/', 'GET', on)
    const [, content = ''] = /<meta name="sign-in" content="([^"]*)">/.exec(body) ?? []
    const text = content.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
    return {
      policy: String(headers['content-security-policy']),
      content,
      settings: text === '' ? '' : JSON.parse(text),
    }
  }

  test('is not on the page where persons cannot sign in, and the page connects to the hub only', async () => {
    const { policy, settings } = await ofPage()
    expect(settings).toBe('')
    expect(policy).toContain("connect-src 'self';")
  })

  test('is on the page, and the page connects to the origin of the token endpoint', async () => {
    provider = { token_endpoint: 'https://tokens.example:8443/oauth/token?a' }
    const { policy, content, settings } = await ofPage(urlWithSignIn)
    expect(settings).toEqual({ ...signIn, provider })
    expect(content).not.toMatch(/[<>'"]/)
    expect(policy).toContain("connect-src 'self' https://tokens.example:8443;")
  })

  test('is on the page without the provider while that is unknown', async () => {
    provider = undefined
    const { policy, settings } = await ofPage(urlWithSignIn)
    expect(settings).toEqual(signIn)
    expect(policy).toContain("connect-src 'self';")
  })
})

test('the page is told the name that devices know the hub by', async () => {
  expect((await ask('/console/')).body).toContain('<meta content="hub.example">')
})

test('the page is told whether the hub serves GraphiQL', async () => {
  expect((await ask('/console/')).body).toContain('<meta name="graphiql" content="false">')
  expect((await ask('/console/', 'GET', urlWithSignIn)).body).toContain('<meta name="graphiql" content="true">')
})

describe('files', () => {
  test('are sent with their type and kept for ever: another content has another name', async () => {
    expect(await ask('/console/assets/index-Ab_1-x.js')).toMatchObject({
      status: 200,
      body: 'export {}',
      headers: {
        'content-type': 'text/javascript; charset=utf-8',
        'cache-control': 'public, max-age=31536000, immutable',
        'x-content-type-options': 'nosniff',
        'content-length': '9',
      },
    })
    expect((await ask('/console/assets/page-2.css')).headers['content-type']).toBe('text/css; charset=utf-8')
  })

  test('are sent compressed to who understands it', async () => {
    const coded = async (accepted: string) => {
      const reply = await fetch(`${url}/console/assets/index-Ab_1-x.js`, { headers: { 'accept-encoding': accepted } })
      expect(await reply.text()).toBe('export {}')
      expect(reply.headers.get('vary')).toBe('accept-encoding')
      return reply.headers.get('content-encoding')
    }
    expect(await coded('gzip, deflate, br')).toBe('br')
    expect(await coded('GZIP;q=0.5, br;q=0')).toBe('gzip')
    expect(await coded('br;q=0.1, gzip;q=0.9')).toBe('gzip')
    expect(await coded('gzip, br')).toBe('br')
    expect(await coded('deflate')).toBe(null)
  })

  test('HEAD has the same headers and no body; other verbs are refused', async () => {
    const head = await ask('/console/assets/index-Ab_1-x.js', 'HEAD')
    expect(head).toMatchObject({ status: 200, body: '', headers: { 'content-length': '9' } })
    expect(await ask('/console/', 'HEAD')).toMatchObject({ status: 200, body: '' })
    expect(await ask('/console/', 'POST')).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } })
  })

  test('one that is not there is a 404 that nobody keeps, and no page', async () => {
    const reply = await ask('/console/assets/index-gone.js')
    expect(reply).toMatchObject({ status: 404, headers: { 'cache-control': 'no-store' } })
    expect(JSON.parse(reply.body)).toEqual({
      message: 'The console does not have this file, or no longer has it. Reload the page.',
    })
  })

  test('nothing else of the machine can be reached through them', async () => {
    for (const path of [
      '/console/assets/../../secret.js',
      '/console/assets/..%2f..%2fsecret.js',
      '/console/assets/%2e%2e/%2e%2e/secret.js',
      '/console/assets/..\\..\\secret.js',
      '/console/assets//../../secret.js',
      '/console/assets/page-2.map',
      '/console/assets/',
      '/console/assets/index-Ab_1-x.js%00.css',
    ]) {
      const { status, body } = await ask(path)
      expect({ path, status }).toEqual({ path, status: 404 })
      expect(body).not.toContain('secret')
    }
  })
})

test('a hub whose console is not built says how to build it', async () => {
  const reply = await ask('/console/', 'GET', urlWithout)
  expect(reply).toMatchObject({ status: 503, headers: { 'cache-control': 'no-store' } })
  expect(reply.body).toContain('npm run build')
})
