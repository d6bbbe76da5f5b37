import { describe, expect, test } from 'vitest'
import {
  checkAuthentication,
  checkDeviceId,
  checkStatus,
  checkStatusReason,
  makeKey,
  type SymmetricKey,
  storedAuthentication,
} from '../../src/device/identity.ts'
import { refusal } from '../support/refusal.ts'

describe('a device id', () => {
  test.each(['a', 'pump-001', "O'Brien", '-.%_*?!(),:;=@$', '...', 'x'.repeat(128)])('may be %s', (id) => {
    expect(checkDeviceId(id, [])).toBe(id)
  })

  test.each<readonly [id: unknown, message: RegExp]>([
    ['', /has 0/],
    ['x'.repeat(129), /has 129/],
    ['a+b', /\+.*wildcard/],
    ['a#', /#.*wildcard/],
    ['a b', /" "/],
    ['a/b', /"\/"/],
    ['a\\b', /\\/],
    ['a"b', /\\"/],
    ['<a', /"<"/],
    ['a>', /">"/],
    ['a&b', /"&"/],
    ['a[', /"\["/],
    ['a}', /"}"/],
    ['a^', /"\^"/],
    ['gerät', /"ä"/],
    ['a😀', /"😀"/],
    ['a\n', /"\\n"/],
    ['a\0', /"\\u0000"/],
    ['.', /URL/],
    ['..', /URL/],
    [7, /string/],
    [null, /string/],
  ])('may not be %j, and is told why', (id, message) => {
    expect(refusal(() => checkDeviceId(id, ['deviceId']))).toEqual({
      path: 'deviceId',
      message: expect.stringMatching(message),
    })
  })
})

test('a status is enabled when left out, and one of two words', () => {
  expect([undefined, null, 'enabled', 'disabled'].map((status) => checkStatus(status, []))).toEqual([
    'enabled',
    'enabled',
    'enabled',
    'disabled',
  ])
  expect(refusal(() => checkStatus('Enabled', ['status'])).path).toBe('status')
})

test('a status reason has 128 characters of any script, and nothing that PostgreSQL cannot hold', () => {
  expect(checkStatusReason('😀'.repeat(128), [])).toBe('😀'.repeat(128))
  expect(checkStatusReason(undefined, [])).toBeNull()
  expect(checkStatusReason(null, [])).toBeNull()
  for (const bad of ['x'.repeat(129), 'a\0', '\ud800', 7]) {
    expect(refusal(() => checkStatusReason(bad, ['statusReason'])).path).toBe('statusReason')
  }
})

describe('authentication', () => {
  const made: SymmetricKey = { primaryKey: 'made1', secondaryKey: 'made2' }
  const check = (input: unknown) => checkAuthentication(input, ['authentication'], () => made)
  const keyOf = (length: number) => Buffer.alloc(length, 7).toString('base64')
  const keys = { primaryKey: keyOf(16), secondaryKey: keyOf(64) }
  const sha1 = 'ab'.repeat(20)
  const sha256 = 'AB'.repeat(32)

  test.each<readonly [sentence: string, input: unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['an empty object', {}],
    ['empty keys', { type: 'sas', symmetricKey: { primaryKey: '', secondaryKey: '' } }],
    ['null keys', { symmetricKey: { primaryKey: null } }],
    ['no keys and empty thumbprints', { symmetricKey: null, x509Thumbprint: { primaryThumbprint: null } }],
  ])('given %s, is by keys that the caller has', (_sentence, input) => {
    expect(check(input)).toEqual({ type: 'sas', symmetricKey: made })
  })

  test('takes keys of 16 to 64 bytes, and asks for none then', () => {
    const input = { type: 'sas', symmetricKey: keys, x509Thumbprint: { primaryThumbprint: null } }
    const never = () => expect.fail('keys were given')
    expect(checkAuthentication(input, [], never)).toEqual({ type: 'sas', symmetricKey: keys })
  })

  test('is by certificate when a thumbprint is given and no type, and passes keys over then', () => {
    expect(check({ symmetricKey: keys, x509Thumbprint: { primaryThumbprint: sha1 } })).toEqual({
      type: 'selfSigned',
      x509Thumbprint: { primaryThumbprint: sha1.toUpperCase(), secondaryThumbprint: null },
    })
    expect(check({ type: 'selfSigned', x509Thumbprint: { secondaryThumbprint: sha256 } })).toEqual({
      type: 'selfSigned',
      x509Thumbprint: { primaryThumbprint: null, secondaryThumbprint: sha256 },
    })
  })

  test.each(['certificateAuthority', 'none'])('may be %s', (type) => {
    expect(check({ type, symmetricKey: keys })).toEqual({ type })
  })

  test.each<readonly [sentence: string, input: unknown, path: string]>([
    ['one key alone', { symmetricKey: { primaryKey: keyOf(32), secondaryKey: '' } }, 'symmetricKey'],
    ['a short key', { symmetricKey: { ...keys, primaryKey: keyOf(15) } }, 'symmetricKey/primaryKey'],
    ['a long key', { symmetricKey: { ...keys, secondaryKey: keyOf(65) } }, 'symmetricKey/secondaryKey'],
    [
      'a key not in base64',
      { symmetricKey: { ...keys, primaryKey: `${'a-'.repeat(14)}==` } },
      'symmetricKey/primaryKey',
    ],
    ['a key cut short', { symmetricKey: { ...keys, primaryKey: keyOf(32).slice(0, 42) } }, 'symmetricKey/primaryKey'],
    ['a key that is no text', { symmetricKey: { ...keys, primaryKey: 5 } }, 'symmetricKey/primaryKey'],
    ['an unknown type', { type: 'password' }, 'type'],
    ['a type in another case', { type: 'SAS' }, 'type'],
    ['a certificate without thumbprint', { type: 'selfSigned' }, 'x509Thumbprint'],
    [
      'a thumbprint of a wrong length',
      { x509Thumbprint: { primaryThumbprint: 'ab' } },
      'x509Thumbprint/primaryThumbprint',
    ],
    [
      'a thumbprint with colons',
      { x509Thumbprint: { primaryThumbprint: sha1, secondaryThumbprint: `:${sha1.slice(1)}` } },
      'x509Thumbprint/secondaryThumbprint',
    ],
    ['keys that are no object', { symmetricKey: 'x' }, 'symmetricKey'],
  ])('with %s is refused', (_sentence, input, path) => {
    expect(refusal(() => check(input)).path).toBe(`authentication/${path}`)
  })

  test('that is no object is refused', () => {
    expect(refusal(() => check([])).path).toBe('authentication')
  })

  test('a made key is accepted as a given one', () => {
    const key = makeKey(new Uint8Array(32).fill(1))
    expect(key).toBe('AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=')
    expect(check({ symmetricKey: { primaryKey: key, secondaryKey: key } })).toMatchObject({ type: 'sas' })
  })

  test('is stored with null for what its type has no use for', () => {
    const none = { primaryKey: null, secondaryKey: null, primaryThumbprint: null, secondaryThumbprint: null }
    expect(storedAuthentication(check({ type: 'none' }))).toEqual({ authenticationType: 'none', ...none })
    expect(storedAuthentication(check({}))).toEqual({ authenticationType: 'sas', ...none, ...made })
    expect(storedAuthentication(check({ x509Thumbprint: { primaryThumbprint: sha256 } }))).toEqual({
      authenticationType: 'selfSigned',
      ...none,
      primaryThumbprint: sha256,
    })
  })
})
