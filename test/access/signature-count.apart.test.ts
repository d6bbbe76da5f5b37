import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { authenticateViewer, settlePolicies } from '../../src/access/commands.ts'
import { signSasToken } from '../../src/access/sas.ts'
import { authenticateDevice } from '../../src/device/authentication-commands.ts'
import { createDevice } from '../../src/device/commands.ts'
import { UnauthorizedError } from '../../src/errors.ts'
import { everything } from '../../src/scope.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'

// Signatures are computed as ever, and counted: a token must not show by the work that it causes what the hub knows.
vi.mock(import('node:crypto'), async (load) => {
  const crypto = await load()
  return { ...crypto, createHmac: vi.fn(crypto.createHmac) }
})

let deps: TestDeps
beforeAll(async () => {
  deps = await createTestDeps()
  await settlePolicies(deps, Buffer.alloc(32, 7).toString('base64'), undefined)
  await createDevice(deps, everything, { deviceId: 'known' })
  await createDevice(deps, everything, { deviceId: 'certified', authentication: { type: 'certificateAuthority' } })
})
afterAll(() => deps.close())

const hostNames = ['hub.example.test']
const wrongToken = (resource: string, policyName?: string) =>
  signSasToken({
    resource,
    key: Buffer.alloc(32, 9).toString('base64'),
    expiry: 4_102_444_800,
    ...(policyName !== undefined && { policyName }),
  })
/** The bytes of the keys of all signatures that the work computes. */
const computed = async (work: () => Promise<unknown>): Promise<readonly number[]> => {
  vi.mocked(createHmac).mockClear()
  await work()
  return vi.mocked(createHmac).mock.calls.map(([, key]) => (Buffer.isBuffer(key) ? key.length : Number.NaN))
}
/** Of generated keys. A signature by a shorter key takes another time. */
const twoKeys = [32, 32]

test.each(['service', 'iothubowner', 'unknown', 'x'.repeat(100)])(
  'a token in the name of the policy %s costs two signatures, whether there is such a policy or not',
  async (policyName) => {
    const token = wrongToken('hub.example.test', policyName)
    const refuse = () => expect(authenticateViewer(deps, token, hostNames)).rejects.toThrow(UnauthorizedError)
    expect(await computed(refuse)).toEqual(twoKeys)
  },
)

test.each([
  ['known', undefined],
  ['unknown', undefined],
  ['certified', undefined],
  ['known', 'device'],
  ['unknown', 'device'],
  ['known', 'unknown'],
])('a token for the device %s in the name of the policy %s costs two signatures', async (deviceId, policyName) => {
  const password = wrongToken(`hub.example.test%2Fdevices%2F${deviceId}`, policyName)
  const refuse = async () =>
    expect(await authenticateDevice(deps, { deviceId, password, hostNames })).toHaveProperty('refusal')
  expect(await computed(refuse)).toEqual(twoKeys)
})
