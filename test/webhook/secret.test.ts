import { expect, test } from 'vitest'
import { isSecret, secretOf, signaturesOf } from '../../src/webhook/secret.ts'

test('a message is signed as the specification of Standard Webhooks shows it', () => {
  const message = {
    id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    timestamp: 1_614_265_330,
    body: '{"test": 2432232314}',
  }
  expect(signaturesOf(['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'], message)).toBe(
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  )
})

test('with two secrets there are two signatures', () => {
  const message = { id: 'a', timestamp: 1, body: '{}' }
  const [one, other] = [secretOf(Buffer.alloc(32, 1)), secretOf(Buffer.alloc(32, 2))]
  expect(signaturesOf([one, other], message)).toBe(`${signaturesOf([one], message)} ${signaturesOf([other], message)}`)
})

test.each([
  ['one of 24 bytes', secretOf(Buffer.alloc(24)), true],
  ['one of 64 bytes', secretOf(Buffer.alloc(64)), true],
  ['one that is too short', secretOf(Buffer.alloc(23)), false],
  ['one that is too long', secretOf(Buffer.alloc(65)), false],
  ['one without its prefix', Buffer.alloc(32).toString('base64'), false],
  ['one with a character that is not base64', `${secretOf(Buffer.alloc(32))}!`, false],
  ['a password', 'whsec_correct horse battery staple', false],
])('a secret: %s', (_name, text, expected) => {
  expect(isSecret(text)).toBe(expected)
})
