import { expect, test } from 'vitest'
import { isSameOrigin, originIn } from '../src/origin.ts'

const [plain, byTls] = [false, true]

test.each([
  ['http://localhost:4000', 'localhost:4000', plain],
  ['http://localhost:80', 'localhost', plain],
  ['http://localhost', 'localhost:80', plain],
  ['https://hub.example', 'hub.example', plain],
  ['https://hub.example', 'hub.example:443', plain],
  ['https://hub.example:443', 'hub.example:443', byTls],
  ['https://hub.example:443', 'hub.example', byTls],
  ['https://HUB.example:8443', 'hub.EXAMPLE:8443', byTls],
  ['https://[::1]:443', '[0:0::1]', byTls],
])('%s is the origin of %s', (origin, host, isByTls) => {
  expect(isSameOrigin(origin, host, isByTls)).toBe(true)
})

test.each([
  ['http://localhost:3000', 'localhost:4000', plain],
  ['http://localhost', 'localhost:443', plain],
  ['https://hub.example', 'hub.example:80', plain],
  ['https://hub.example', 'hub.example:8443', byTls],
  ['http://hub.example', 'hub.example', byTls],
  ['https://evil.example', 'hub.example', byTls],
  ['https://hub.example.evil.example', 'hub.example', byTls],
  ['https://evil.example@hub.example', 'hub.example', byTls],
  ['https://hub.example/', 'hub.example', byTls],
  ['https://hub.example', 'evil.example@hub.example', byTls],
  ['https://hub.example', 'hub.example/x', byTls],
  ['chrome-extension://hub.example', 'hub.example', plain],
  ['null', 'null', plain],
  ['', '', plain],
  ['http://', '', plain],
])('%s is not the origin of %s', (origin, host, isByTls) => {
  expect(isSameOrigin(origin, host, isByTls)).toBe(false)
})

test.each([
  ['https://app.example', 'https://app.example'],
  ['https://app.example:8443', 'https://app.example:8443'],
  ['HTTPS://App.Example:443', 'https://app.example'],
  ['http://app.example:80', 'http://app.example'],
  ['https://müller.example', 'https://xn--mller-kva.example'],
  ['http://[0:0::1]:5173', 'http://[::1]:5173'],
])('%s has the one form %s', (text, origin) => {
  expect(originIn(text)).toBe(origin)
})

test.each([
  'https://app.example/',
  'https://app.example/page',
  'https://app.example?x',
  'https://ann@app.example',
  'https://*.example',
  '*',
  'null',
  '',
  'app.example',
  '//app.example',
  'https://',
  'https://app.example:99999',
  'file:///home/ann/page.html',
  'chrome-extension://app',
  'https://app.example, https://app.example',
  'https://app.example https://other.example',
  'https://app.example\n',
])('%j is not an origin', (text) => {
  expect(originIn(text)).toBeUndefined()
})
