import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { openDoor, owner, type TestDoor } from '../graphql/door.ts'
import { serveMount } from '../http/serve.ts'
import { describeInBrowser, type OpenPage, startBrowser, type TestBrowser } from '../support/browser.ts'

/** What the pages do. Each function resolves with what the page could read, or with the name of the error. */
const script = `
  const post = (url, more = {}, init = {}) => fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...more },
    body: JSON.stringify({ query: '{ __typename }' }),
    ...init,
  }).then(async (response) => [response.status, await response.text()], (error) => error.name)

  const firstEvent = async (url, query) => {
    const headers = { 'content-type': 'application/json', accept: 'text/event-stream' }
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }) })
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    let received = ''
    for (;;) {
      const { done, value } = await reader.read()
      received += value ?? ''
      if (done || received.includes('"jobId"')) break
    }
    await reader.cancel()
    return received
  }

  const socket = (url) => new Promise((resolve) => {
    const socket = new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws')
    socket.onopen = () => socket.send('{"type":"connection_init"}')
    socket.onmessage = ({ data }) => { resolve(JSON.parse(data).type); socket.close() }
    socket.onerror = () => resolve('refused')
  })

  const inSandbox = (url) => new Promise((resolve) => {
    addEventListener('message', ({ data }) => resolve(data), { once: true })
    const frame = document.createElement('iframe')
    frame.sandbox = 'allow-scripts'
    frame.srcdoc = '<script>fetch(' + JSON.stringify(url) + ', { headers: { authorization: "x" } })' +
      '.then(({ status }) => status, ({ name }) => name).then((result) => parent.postMessage(result, "*"))</' + 'script>'
    document.body.append(frame)
  })
`

describeInBrowser('a page of another origin', () => {
  let browser: TestBrowser
  let pages: Server
  let origin: string
  let opened: OpenPage
  const closers: (() => Promise<void>)[] = []

  beforeAll(async () => {
    browser = await startBrowser()
    pages = createServer((_request, response) =>
      response.setHeader('content-type', 'text/html').end(`<!doctype html><body><script>${script}</script>`),
    )
    await once(pages.listen(0, '127.0.0.1'), 'listening')
    const address = pages.address()
    origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
  })
  beforeEach(async () => {
    opened = await browser.open({ hub: origin })
    await opened.page.goto('/')
  })
  afterEach(async () => {
    for (const close of closers.splice(0)) await close()
  })
  afterAll(async () => {
    await browser.close()
    pages.closeAllConnections()
    pages.close()
  })

  /** The API, and the methods of the requests that reached it. */
  const serve = async (options: Parameters<typeof openDoor>[0]) => {
    const door: TestDoor = await openDoor(options)
    const methods: string[] = []
    const served = await serveMount({
      ...door.server,
      handle(request, response) {
        methods.push(request.method ?? '')
        door.server.handle(request, response)
      },
    })
    closers.push(served.close, door.close)
    return { door, methods, url: `${served.url}/graphql` }
  }
  const run = (call: string, ...values: readonly unknown[]): Promise<unknown> =>
    opened.page.evaluate(`${call}(...${JSON.stringify(values)})`)
  const typename = [200, '{"data":{"__typename":"Query"}}']

  test('that is listed sends queries, receives events and opens a WebSocket, without cookies', async () => {
    const { door, url } = await serve({ allowedOrigins: [origin] })
    const { errors } = await door.ask(`mutation { scheduleDeviceMethod(input: {
      jobId: "j", queryCondition: "*", cloudToDeviceMethod: { methodName: "reboot" } }) { __typename } }`)
    expect(errors).toEqual([])
    expect(await run('post', url)).toEqual(typename)
    expect(await run('firstEvent', url, 'subscription { jobUpdated { jobId } }')).toContain('"jobId":"j"')
    expect(await run('socket', url)).toBe('connection_ack')
    // A request with cookies is one whose answer the page cannot read.
    expect(await run('post', url, {}, { credentials: 'include' })).toBe('TypeError')
    expect(await opened.page.context().cookies()).toEqual([])
  })

  test('asks once before it sends ten requests', async () => {
    const { url, methods } = await serve({ allowedOrigins: [origin] })
    for (let times = 0; times < 10; times++)
      expect(await run('post', url, { traceparent: `x${times}` })).toEqual(typename)
    expect(methods.filter((method) => method === 'OPTIONS')).toHaveLength(1)
    expect(methods.filter((method) => method === 'POST')).toHaveLength(10)
  })

  test('reads why its token is refused', async () => {
    const { url } = await serve({ allowedOrigins: [origin], anonymous: undefined })
    expect(await run('post', url, { authorization: 'x' })).toEqual([401, expect.stringContaining('TOKEN_INVALID')])
  })

  test('that is not listed can neither send nor connect', async () => {
    const { url, methods } = await serve({ allowedOrigins: ['https://app.example'], anonymous: owner })
    expect(await run('post', url)).toBe('TypeError')
    expect(await run('socket', url)).toBe('refused')
    expect(methods).toEqual(['OPTIONS'])
  })

  test('is allowed with a token where all are, but not in a frame without an origin', async () => {
    const { door, url } = await serve({ allowedOrigins: ['*'], anonymous: undefined })
    expect(await run('post', url, { authorization: await door.token('service') })).toEqual(typename)
    expect(await run('inSandbox', url)).toBe('TypeError')
  })
})
