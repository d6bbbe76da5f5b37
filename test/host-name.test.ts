import { expect, test } from 'vitest'
import { hostName } from '../src/host-name.ts'

test.each([
  ['Hub.Example.test', 'hub.example.test'],
  ['hub.example.test:4000', 'hub.example.test'],
  ['127.0.0.1:8883', '127.0.0.1'],
  ['[::1]', '[::1]'],
  ['[FE80::1]:4000', '[fe80::1]'],
  // Without brackets the last group of an address is no port.
  ['::1', '::1'],
  ['fe80::1:4000', 'fe80::1:4000'],
  ['hub:', 'hub:'],
  ['hub:http', 'hub:http'],
  ['', ''],
])('the host %s is compared as %s', (host, name) => {
  expect(hostName(host)).toBe(name)
})
