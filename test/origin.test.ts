import { expect, test } from 'vitest'
import { isSameOrigin } from '../src/origin.ts'

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
