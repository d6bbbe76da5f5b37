import { expect, test } from 'vitest'
import { InvalidInputError } from '../../src/errors.ts'
import { checkSecret, checkWebhook, type WebhookInput } from '../../src/webhook/request.ts'

const url = 'https://example.com/hook'

function refusalOf(input: WebhookInput, allowPrivate = false): [path: string | undefined, message: string] {
  try {
    checkWebhook({ url, events: ['job.ended'], ...input }, { allowPrivate })
  } catch (error) {
    if (error instanceof InvalidInputError) return [error.path[0], error.message]
    throw error
  }
  throw new Error('It was accepted.')
}

test('a webhook has one form, with defaults', () => {
  expect(
    checkWebhook(
      { url: 'HTTPS://Example.com', events: ['job.ended', 'job.started', 'job.ended'] },
      { allowPrivate: false },
    ),
  ).toEqual({
    url: 'https://example.com/',
    events: ['job.started', 'job.ended'],
    failureShare: null,
    minimumDevices: null,
    description: null,
    enabled: true,
  })
})

test('what a change leaves out stays as it is, and null deletes', () => {
  const before = checkWebhook(
    { url, events: ['job.threshold'], failureShare: 0.05, minimumDevices: 20, description: 'ops' },
    { allowPrivate: false },
  )
  expect(checkWebhook({ enabled: false }, { before, allowPrivate: false })).toEqual({ ...before, enabled: false })
  const changed = { events: ['job.ended'], failureShare: null, minimumDevices: null, description: null } as const
  expect(checkWebhook(changed, { before, allowPrivate: false })).toEqual({ ...before, ...changed })
})

test.each<[string, WebhookInput, string, RegExp]>([
  ['text that is no URL', { url: 'x' }, 'url', /not an absolute address/],
  ['a very long URL', { url: `${url}/${'x'.repeat(2_048)}` }, 'url', /at most 2048/],
  ['http', { url: 'http://example.com' }, 'url', /must begin with https:/],
  ['another scheme', { url: 'ftp://example.com' }, 'url', /must begin with https:/],
  ['a password', { url: 'https://ann:secret@example.com' }, 'url', /user name or a password/],
  ['a fragment', { url: `${url}#x` }, 'url', /fragment/],
  ['a private address', { url: 'https://10.0.0.1' }, 'url', /private or local address/],
  ['this machine', { url: 'https://localhost:8443' }, 'url', /private or local address/],
  ['this machine in another spelling', { url: 'https://0x7f.1' }, 'url', /private or local address/],
  ['no event', { events: [] }, 'events', /at least one event/],
  ['a threshold without a share', { events: ['job.threshold'] }, 'failureShare', /needs failureShare/],
  ['a share without the event', { failureShare: 0.1 }, 'failureShare', /only for webhooks with the event/],
  ['a minimum without the event', { minimumDevices: 1 }, 'minimumDevices', /only for webhooks with the event/],
  ['a share of everything', { events: ['job.threshold'], failureShare: 1 }, 'failureShare', /less than 1/],
  ['a negative share', { events: ['job.threshold'], failureShare: -0.1 }, 'failureShare', /from 0/],
  [
    'a minimum of none',
    { events: ['job.threshold'], failureShare: 0, minimumDevices: 0 },
    'minimumDevices',
    /at least 1/,
  ],
  ['a description that the database cannot store', { description: 'a\0b' }, 'description', /without U\+0000/],
  ['a long description', { description: 'x'.repeat(201) }, 'description', /at most 200/],
])('%s is refused', (_name, input, path, message) => {
  expect(refusalOf(input)).toEqual([path, expect.stringMatching(message)])
})

test('a threshold needs one device that has ended unless a client says otherwise', () => {
  const threshold = { url, events: ['job.threshold'], failureShare: 0 } as const
  expect(checkWebhook(threshold, { allowPrivate: false }).minimumDevices).toBe(1)
})

test('a webhook that is off stays off', () => {
  const before = checkWebhook({ url, events: ['job.ended'], enabled: false }, { allowPrivate: false })
  expect(checkWebhook({ description: 'ops' }, { before, allowPrivate: false }).enabled).toBe(false)
})

test('private addresses and http are accepted where they are allowed, and nothing else', () => {
  for (const allowed of ['http://10.0.0.1/x', 'https://localhost:8443/', 'http://127.0.0.1:9000/hook']) {
    expect(checkWebhook({ url: allowed, events: ['job.ended'] }, { allowPrivate: true }).url).toBe(allowed)
  }
  expect(refusalOf({ url: 'ftp://10.0.0.1' }, true)).toEqual(['url', expect.stringMatching(/https:/)])
})

test('a secret that is too short is refused, without showing it', () => {
  const short = 'whsec_c2hvcnQ='
  expect(() => checkSecret(short)).toThrow(/A secret is "whsec_" and base64 of 24 to 64 bytes/)
  expect(() => checkSecret(short)).not.toThrow(/c2hvcnQ/)
})
