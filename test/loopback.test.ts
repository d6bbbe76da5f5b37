import { expect, test } from 'vitest'
import { isLoopback } from '../src/loopback.ts'

test.each([
  ['127.0.0.1', true],
  ['127.255.0.9', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['10.0.0.1', false],
  ['::', false],
  ['::ffff:10.0.0.1', false],
  ['127.0.0.1.example', false],
  ['127.', false],
  ['localhost', false],
  ['', false],
])('"%s" is an address of this machine: %s', (address, isHere) => {
  expect(isLoopback(address)).toBe(isHere)
})
