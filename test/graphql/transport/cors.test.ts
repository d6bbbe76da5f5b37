import { once } from 'node:events'
import * as http from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createOrigins } from '../../../src/graphql/transport/cors.ts'
import type { Limits } from '../../../src/limits/limits.ts'
import { serveMount } from '../../http/serve.ts'
import { openDoor, owner, type TestDoor } from '../door.ts'

const page = 'https://app.example'

describe('an origin', () => {
  test.each([
    ['that is listed', [page], page, true],
    ['that is listed, in capitals and with the default port', [page], 'https://APP.example:443', true],
    ['with another scheme', [page], 'http://app.example', false],
    ['with another port', [page], 'https://app.example:8443', false],
    ['of another name', [page], 'https://app.example.evil.example', false],
    ['of a name below', [page], 'https://x.app.example', false],
    ['without a list', [], page, false],
    ['when all are allowed', ['*'], page, true],
    ['that is no origin, when all are allowed', ['*'], 'null', false],
    ['that is the word for all', ['*'], '*', false],
    ['that is sent twice', ['*'], `${page}, ${page}`, false],
    ['that is empty', ['*'], '', false],
  ])('%s', (_what, allowed, origin, isAllowed) => {
    expect(createOrigins(allowed).allows(origin)).toBe(isAllowed)
  })
})

describe('a preflight', () => {
  const headersFor = (more: Record<string, string>) =>
    createOrigins([page]).preflightHeaders({ origin: page, 'access-control-request-method': 'POST', ...more })

  test('allows the methods and headers of the API, and may be kept for two hours', () => {
    expect(headersFor({})).toEqual({
      vary: 'origin, access-control-request-headers, access-control-request-private-network',
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': 'authorization, content-type, accept, last-event-id, x-request-id, traceparent',
      'access-control-max-age': '7200',
    })
  })

  test('allows the headers of other tracing tools, and none that says where a request came from', () => {
    const asked = 'Traceparent, x-b3-traceid,content-type, X-Forwarded-For, forwarded, via, x-real-ip, a b, , ü'
    expect(headersFor({ 'access-control-request-headers': asked })['access-control-allow-headers']).toBe(
      'authorization, content-type, accept, last-event-id, x-request-id, traceparent, x-b3-traceid',
    )
  })

  test('allows a public page to reach a hub in a private network when it asks to', () => {
    expect(headersFor({ 'access-control-request-private-network': 'true' })).toMatchObject({
      'access-control-allow-private-network': 'true',
    })
  })

  test.each([
    ['no origin', { 'access-control-request-method': 'POST' }],
    ['no method', { origin: page }],
    [
      'the origin of the hub, as far as it was not listed',
      { origin: 'https://hub', 'access-control-request-method': 'POST' },
    ],
  ])('with %s is only told the methods', (_what, headers) => {
    expect(createOrigins([page]).preflightHeaders(headers)).toEqual({ allow: 'GET, POST, OPTIONS' })
  })
})

describe('the API, for a page of an allowed origin', () => {
  let door: TestDoor
  let served: Awaited<ReturnType<typeof serveMount>>
  const open: { close(): Promise<void> }[] = []
  beforeAll(async () => {
    door = await openDoor({ allowedOrigins: [page], anonymous: undefined })
  })
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close()
  })
  afterAll(() => door.close())

  const serve = async (limits: Partial<Limits> = {}) => {
    served = await serveMount(door.server, limits)
    open.push(served)
  }
  const ask = async (method: string, headers: http.OutgoingHttpHeaders, body?: string) => {
    const request = http.request(`${served.url}/graphql`, { method, agent: false, headers })
    request.end(body)
    const [response] = await once(request, 'response')
    return { status: response.statusCode, headers: response.headers, body: await text(response) }
  }
  const readable = {
    'access-control-allow-origin': page,
    'access-control-expose-headers': 'retry-after, www-authenticate, x-request-id',
    vary: expect.stringMatching(/^origin/),
  }
  const content = { 'content-type': 'application/json' }
  const bad = 'SharedAccessSignature sr=x&sig=y&se=1&skn=z'

  test('answers the preflight without a token and without counting it', async () => {
    await serve({ addressFailures: 1 })
    const asked = { origin: page, 'access-control-request-method': 'POST', authorization: bad }
    for (let times = 0; times < 12; times++) expect((await ask('OPTIONS', asked)).status).toBe(204)
    const { headers, body } = await ask('OPTIONS', asked)
    expect(headers).toMatchObject({ ...readable, 'access-control-allow-methods': 'GET, POST' })
    expect(headers).not.toHaveProperty('access-control-allow-credentials')
    expect(body).toBe('')
    const authorization = await door.token('service')
    const good = await ask('POST', { ...content, origin: page, authorization }, '{"query":"{ __typename }"}')
    expect(good).toMatchObject({ status: 200, headers: readable })
    expect(good.headers).not.toHaveProperty('set-cookie')
  })

  test('lets the page read why a request is refused', async () => {
    await serve({ addressFailures: 1 })
    const headers = { ...content, origin: page }
    const authorization = await door.token('service')
    const query = '{"query":"{ __typename }"}'
    expect(await ask('POST', headers, query)).toMatchObject({ status: 401, headers: readable })
    expect(await ask('DELETE', headers)).toMatchObject({ status: 405, headers: readable })
    expect(await ask('POST', { ...headers, authorization, 'content-type': 'text/plain' }, query)).toMatchObject({
      status: 415,
      headers: readable,
    })
    const long = { ...headers, authorization, 'content-length': String(1024 ** 3) }
    const request = http.request(`${served.url}/graphql`, { method: 'POST', agent: false, headers: long })
    request.flushHeaders()
    const [tooLarge] = await once(request, 'response')
    expect(tooLarge).toMatchObject({ statusCode: 413, headers: readable })
    request.destroy()
    // The burst is ten requests, one of which had no token.
    for (let times = 0; times < 9; times++) await ask('POST', { ...headers, authorization: bad }, query)
    const late = ask('POST', { ...headers, authorization: bad }, query)
    await served.clock.asleep()
    served.clock.advance(2_000)
    expect(await late).toMatchObject({ status: 429, headers: { ...readable, 'retry-after': '1' } })
  })

  test('lets no other page read anything, and names the variable', async () => {
    await serve()
    for (const origin of ['https://evil.example', 'null', `${page}, ${page}`]) {
      const refused = await ask('OPTIONS', { origin, 'access-control-request-method': 'POST' })
      expect(refused).toMatchObject({ status: 403, body: expect.stringContaining('ALLOWED_ORIGINS') })
      expect(Object.keys(refused.headers).filter((name) => name.startsWith('access-control'))).toEqual([])
    }
    const authorization = await door.token('service')
    const { body } = await ask('POST', { ...content, origin: 'https://evil.example', authorization }, '{}')
    expect(JSON.parse(body).errors[0].extensions).toEqual({
      code: 'FORBIDDEN',
      missing: { origin: 'https://evil.example' },
    })
  })

  test('says which methods there are to OPTIONS without an origin', async () => {
    await serve()
    expect(await ask('OPTIONS', {})).toMatchObject({ status: 204, headers: { allow: 'GET, POST, OPTIONS' } })
  })

  test('opens a WebSocket for it, and for no other page', async () => {
    await serve()
    const url = `${served.url.replace('http', 'ws')}/graphql`
    const socket = new WebSocket(url, 'graphql-transport-ws', { origin: page })
    await once(socket, 'open')
    socket.terminate()
    const other = new WebSocket(url, 'graphql-transport-ws', { origin: 'https://evil.example' })
    other.on('error', () => {})
    const [, refused] = await once(other, 'unexpected-response')
    expect(refused.statusCode).toBe(403)
    expect(await text(refused)).toContain('Add this origin to ALLOWED_ORIGINS')
  })
})

test('without a token, pages of listed origins may ask, but not those of every origin', async () => {
  const door = await openDoor({ allowedOrigins: [page] })
  expect(await door.ask('{ __typename }', {}, { origin: page })).toMatchObject({ status: 200 })
  await door.close()
  await expect(openDoor({ allowedOrigins: ['*'], anonymous: owner })).rejects.toThrow('pages of any origin')
})
