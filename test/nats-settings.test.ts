import { expect, test } from 'vitest'
import { readNatsAddress } from '../src/nats-settings.ts'

test.each([
  ['one server', 'nats://a', { servers: ['a:4222'], isTls: false, login: undefined }],
  ['a port', 'nats://a:80/', { servers: ['a:80'], isTls: false, login: undefined }],
  [
    'several servers',
    'nats://ann:p%2Cw@a:1,b, [::1]:3',
    { servers: ['a:1', 'b:4222', '[::1]:3'], isTls: false, login: { user: 'ann', pass: 'p,w' } },
  ],
  [
    'several addresses with one user',
    'nats://ann:pw@a,nats://ann:pw@b',
    { servers: ['a:4222', 'b:4222'], isTls: false, login: { user: 'ann', pass: 'pw' } },
  ],
  ['a token', 'nats://secret@a', { servers: ['a:4222'], isTls: false, login: { token: 'secret' } }],
  ['TLS', 'tls://a,b', { servers: ['a:4222', 'b:4222'], isTls: true, login: undefined }],
  ['TLS of one server', 'nats://a,tls://b', { servers: ['a:4222', 'b:4222'], isTls: true, login: undefined }],
])('an address of NATS has %s', (_what, text, address) => {
  expect(readNatsAddress(text)).toEqual(address)
})

test.each([
  '',
  'a:4222',
  'http://a',
  'ws://a',
  'nats://',
  'nats://a,',
  'nats://a:port',
  'nats://a:99999',
  'nats://a,http://b',
  'nats://a/path',
  'nats://a?x=1',
  'nats://a#x',
  'nats://:pw@a',
  'nats://%zz@a',
  'nats://ann:pw@a,eve:pw@b',
])('%j is no address of NATS', (text) => {
  expect(readNatsAddress(text)).toBeUndefined()
})
