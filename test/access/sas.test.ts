import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  expiryToleranceInSeconds,
  parseSasToken,
  type SasToken,
  signSasToken,
  tokenCovers,
  tokenExpired,
  verifySasSignature,
} from '../../src/access/sas.ts'

const key = Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')
const otherKey = Buffer.from('fedcba9876543210fedcba9876543210').toString('base64')
const expiry = 1893456000

/** Made with the Azure SDK. */
const vectors = [
  {
    name: 'a service with a policy',
    text: 'SharedAccessSignature sr=hub.example.test&sig=6XUZuJeFXZZ77176%2FUNRwItXICLJvjye2GVuoSl9i8U%3D&skn=iothubowner&se=1893456000',
    request: { resource: 'hub.example.test', key, expiry, policyName: 'iothubowner' },
    segments: [],
  },
  {
    name: 'a device with its own key',
    text: 'SharedAccessSignature sr=hub.example.test%2Fdevices%2Fdev-01&sig=NwyzXuREHzu1p31bXPuPtlV3J94RebsMAXyj1VdHsD4%3D&se=1893456000',
    request: { resource: 'hub.example.test%2Fdevices%2Fdev-01', key, expiry },
    segments: ['devices', 'dev-01'],
  },
  {
    name: 'a device with a policy and signs in its id',
    text: 'SharedAccessSignature sr=hub.example.test%2Fdevices%2Fpump%281%29%2a&sig=%2FvdX5jAyt05dhlJStjAGATJ9Lg737g3h97%2FAMtzl9cY%3D&skn=device&se=1893456000',
    request: { resource: 'hub.example.test%2Fdevices%2Fpump%281%29%2a', key, expiry, policyName: 'device' },
    segments: ['devices', 'pump(1)*'],
  },
]

/** The token of a text that is known to be one. */
function tokenOf(text: string): SasToken {
  const token = parseSasToken(text)
  if (token === undefined) throw new Error(`no token: ${text}`)
  return token
}

describe.each(vectors)('the vector of $name', ({ text, request, segments }) => {
  test('is what signing makes', () => {
    expect(signSasToken(request)).toBe(text)
  })

  test('is verified by its key, as primary or secondary, and by no other', () => {
    const token = tokenOf(text)
    expect(verifySasSignature(token, [key])).toBe(true)
    expect(verifySasSignature(token, [key, otherKey])).toBe(true)
    expect(verifySasSignature(token, [otherKey, key])).toBe(true)
    expect(verifySasSignature(token, [otherKey])).toBe(false)
    expect(verifySasSignature(token, [])).toBe(false)
  })

  test('covers its resource', () => {
    expect(tokenCovers(tokenOf(text), segments, ['hub.example.test'])).toBe(true)
  })

  test('is signed over its resource and its expiry', () => {
    const token = tokenOf(text)
    expect(verifySasSignature({ ...token, expiry: token.expiry + 1 }, [key])).toBe(false)
    expect(verifySasSignature({ ...token, resource: `${token.resource}2` }, [key])).toBe(false)
    expect(verifySasSignature({ ...token, resource: token.resource.replace('%2a', '%2A').toUpperCase() }, [key])).toBe(
      false,
    )
  })
})

describe('parsing', () => {
  const [{ text }] = [vectors[1] ?? { text: '' }]

  test('keeps the resource as it stands and decodes the rest once', () => {
    expect(parseSasToken(text)).toEqual({
      resource: 'hub.example.test%2Fdevices%2Fdev-01',
      signature: 'NwyzXuREHzu1p31bXPuPtlV3J94RebsMAXyj1VdHsD4=',
      expiry,
      policyName: undefined,
    })
    expect(parseSasToken(`${text}&skn=my%20policy`)?.policyName).toBe('my policy')
  })

  test('takes the fields in any order', () => {
    const fields = text.slice('SharedAccessSignature '.length).split('&')
    expect(parseSasToken(`SharedAccessSignature ${fields.reverse().join('&')}`)).toEqual(parseSasToken(text))
  })

  test('takes an empty policy name for none', () => {
    expect(parseSasToken(`${text}&skn=`)).toEqual(parseSasToken(text))
  })

  test.each([
    ['empty text', ''],
    ['another scheme', text.replace('SharedAccessSignature', 'Bearer')],
    ['no scheme', text.slice('SharedAccessSignature '.length)],
    ['no resource', text.replace(/sr=[^&]*&/, '')],
    ['an empty resource', text.replace(/sr=[^&]*/, 'sr=')],
    ['a line break in the resource', text.replace('sr=hub', 'sr=hub\n')],
    ['no signature', text.replace(/sig=[^&]*&/, '')],
    ['no expiry', text.replace(/&se=.*/, '')],
    ['a field twice', `${text}&se=1893456000`],
    ['a field it does not know', `${text}&exp=1`],
    ['a field without a value', `${text}&skn`],
    ['an empty field', `${text}&`],
    ['a negative expiry', text.replace('se=', 'se=-')],
    ['an expiry with a fraction', `${text}.5`],
    ['an expiry with a leading zero', text.replace('se=', 'se=0')],
    ['an expiry in hexadecimal', text.replace(/se=.*/, 'se=0x1')],
    ['an expiry of a thousand years', `${text}00`],
    ['a truncated signature', text.replace('sD4%3D', 'sD4')],
    ['a longer signature', text.replace('sig=', 'sig=AAAA')],
    ['a signature that is not base64', text.replace('sig=N', 'sig=!')],
    ['a policy name that no database can hold', `${text}&skn=a%00`],
    ['broken percent-encoding', text.replace('%3D', '%3')],
    ['a text beyond all measure', `${text}&skn=${'x'.repeat(5000)}`],
  ])('refuses %s', (_name, malformed) => {
    expect(malformed).not.toBe(text)
    expect(parseSasToken(malformed)).toBeUndefined()
  })

  test('refuses or reads any text without failing, and covering cannot fail either', () => {
    const piece = fc.constantFrom(
      'SharedAccessSignature ',
      'sr=',
      '&sig=',
      '&se=1',
      '&skn=',
      '%2F',
      '%',
      '=',
      'é',
      text,
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 8 }), (pieces) => {
        const token = parseSasToken(pieces.join(''))
        if (token !== undefined) tokenCovers(token, ['devices', 'd'], ['hub'])
      }),
    )
  })
})

test('an empty key verifies nothing, though anybody could sign with it', () => {
  const token = tokenOf(signSasToken({ resource: 'hub', key: '', expiry }))
  expect(verifySasSignature(token, [''])).toBe(false)
  expect(verifySasSignature(token, [])).toBe(false)
  expect(verifySasSignature(token, ['', key])).toBe(false)
})

test('the key that stands for a missing one verifies nothing, though anybody could sign with it', () => {
  const zeros = Buffer.alloc(32).toString('base64')
  const token = tokenOf(signSasToken({ resource: 'hub', key: zeros, expiry }))
  expect(verifySasSignature(token, [zeros])).toBe(true)
  expect(verifySasSignature(token, [])).toBe(false)
  expect(verifySasSignature(token, [key])).toBe(false)
})

describe('covering', () => {
  const device = ['devices', 'd1']
  const covers = (resource: string, segments: readonly string[], policyName?: string, hosts = ['hub.local']) =>
    tokenCovers({ resource, signature: '', expiry, policyName }, segments, hosts)

  test.each<readonly [resource: string, segments: readonly string[], covered: boolean]>([
    ['hub.local', [], true],
    ['hub.local', device, true],
    ['hub.local%2Fdevices', device, true],
    ['hub.local%2fdevices%2fd1', device, true],
    ['hub.local/devices/d1', device, true],
    ['HUB.Local%2Fdevices%2Fd1', device, true],
    ['hub.local%2Fdevices%2Fd1', [], false],
    ['hub.local%2Fdevices%2Fd', device, false],
    ['hub.local%2Fdevices%2Fd1', ['devices', 'd10'], false],
    ['hub.local%2Fdevices%2FD1', device, false],
    ['hub.local%2Fdev', device, false],
    ['hub.local%2Fdevices%2Fd2', device, false],
    ['hub.local%2Fdevices%2Fd1%2Fmodules%2Fm', device, false],
    ['hub.local%2Fdevices%2Fd1%2F', device, false],
    ['hub.local%2F', device, false],
    ['hub.local%2Ftwins%2Fd1', device, false],
    ['hub', device, false],
    ['evil.hub.local', device, false],
    ['hub.local.evil', device, false],
    ['hub.local%252Fdevices%252Fd1', device, false],
    ['hub.local%2', device, false],
    ['hub.local%2Fdevices%2F%25', ['devices'], false],
  ])('%s covers %j: %s', (resource, segments, covered) => {
    expect(covers(resource, segments)).toBe(covered)
  })

  test.each<readonly [resource: string, hosts: string[], covered: boolean]>([
    ['hub.local%3A8884%2Fdevices%2Fd1', ['hub.local'], true],
    ['hub.local%2Fdevices%2Fd1', ['hub.local:8884'], true],
    ['hub.local%3A8884', ['other', 'Hub.Local:443'], true],
    ['127.0.0.1%3A8884', ['127.0.0.1'], true],
    ['%5B%3A%3A1%5D%3A8883', ['[::1]'], true],
    ['%5B%3A%3A1%5D', ['[::2]'], false],
    ['%3A%3A1', ['::2'], false],
    ['hub.local%3Ax', ['hub.local'], false],
    ['hub.local', [], false],
  ])('%s at a hub called %j: %s', (resource, hosts, covered) => {
    expect(covers(resource, device, undefined, hosts)).toBe(covered)
  })

  test('an id that was encoded by itself first is understood under the device’s own key', () => {
    expect(covers('hub.local%2Fdevices%2Fpump%25281%2529', ['devices', 'pump(1)'])).toBe(true)
  })

  test('an id that holds percent signs is understood as it is', () => {
    expect(covers('hub.local%2Fdevices%2F50%25', ['devices', '50%'])).toBe(true)
    expect(covers('hub.local%2Fdevices%2Fa%252b', ['devices', 'a%2b'])).toBe(true)
  })

  test('under a policy’s key a device cannot be called so that its token is another’s', () => {
    expect(covers('hub.local%2Fdevices%2F%2564%2531', device, 'device')).toBe(false)
    expect(covers('hub.local%2Fdevices%2F%2564%2531', ['devices', '%64%31'], 'device')).toBe(true)
  })

  test('only the id is decoded twice, and never three times', () => {
    expect(covers('hub.local%2F%2564evices%2Fd1', device)).toBe(false)
    expect(covers('hub.local%2Fdevices%2F%252564%252531', device)).toBe(false)
  })
})

test('a token is taken until five minutes after its expiry', () => {
  const token = { resource: 'hub', signature: '', expiry, policyName: undefined }
  expect(expiryToleranceInSeconds).toBe(300)
  expect(tokenExpired(token, expiry)).toBe(false)
  expect(tokenExpired(token, expiry + 300)).toBe(false)
  expect(tokenExpired(token, expiry + 301)).toBe(true)
})
