import { expect, test } from 'vitest'
import { withPreparedAnswer } from '../../src/http/prepared-answer.ts'
import type { Mount } from '../../src/http/server.ts'
import { serveMount } from './serve.ts'

const mounted: Mount = {
  path: '/document.json',
  below: true,
  methods: ['GET', 'POST'],
  handle: (_request, response) => response.writeHead(401).end('the mounted handler'),
}
const prepared = { path: '/document.json', type: 'application/json; charset=utf-8', text: '{"a":"ü"}' }

test('GET at the path gets the answer, whatever its query string, and everything else gets the mounted handler', async () => {
  const { url, close } = await serveMount(await withPreparedAnswer(mounted, prepared))
  try {
    const got = await fetch(`${url}/document.json?x=1`)
    expect([got.status, got.headers.get('content-type'), await got.text()]).toEqual([200, prepared.type, prepared.text])
    const others = [fetch(`${url}/document.json`, { method: 'POST' }), fetch(`${url}/document.json/below`)]
    expect((await Promise.all(others)).map(({ status }) => status)).toEqual([401, 401])
  } finally {
    await close()
  }
})

test('it makes no token a good one: after many bad ones of an address it is still answered, and the mounted handler is not asked', async () => {
  const { url, clock, close } = await serveMount(await withPreparedAnswer(mounted, prepared), { addressFailures: 1 })
  const ask = async (path: string, authorization: string): Promise<number> =>
    (await fetch(`${url}${path}`, { headers: { authorization } })).status
  try {
    for (let count = 0; count < 10; count++) await ask('/document.json/below', `bad ${count}`)
    expect(await ask('/document.json', 'made up')).toBe(200)
    const refused = ask('/document.json/below', 'made up')
    await clock.asleep()
    clock.advance(1_500)
    expect(await refused).toBe(429)
  } finally {
    await close()
  }
})
