import { verifyPolicyToken } from '../access/commands.ts'
import { rightsOfPolicy } from '../access/rights.ts'
import { parseSasToken, tokenFault } from '../access/sas.ts'
import type { Deps } from '../deps.ts'
import { everything } from '../scope.ts'
import { certificateFault, type DeviceCertificate } from './certificate.ts'
import { findIdentity } from './store.ts'

/**
 * The result of authenticating a device: until when it is valid (seconds since 1970 UTC), and for which identity of the
 * device.
 */
export type DeviceCredential = { readonly expiry: number; readonly identity: string }

/**
 * Why a device may not connect. For the log only: it contains details that an unauthenticated client must not learn.
 */
export type DeviceRefusal = { readonly refusal: string }

/**
 * Authenticates a device: its password is a shared access signature, made with one of its own keys or with a policy
 * that may connect devices; or, with an empty password, it has a certificate. It takes the same time whether the device
 * exists or not.
 */
export async function authenticateDevice(
  deps: Pick<Deps, 'db' | 'clock'>,
  shown: {
    readonly deviceId: string
    readonly password: string
    readonly certificate?: DeviceCertificate | undefined
    readonly hostNames: readonly string[]
  },
): Promise<DeviceCredential | DeviceRefusal> {
  const { deviceId, password, certificate, hostNames } = shown
  const token = parseSasToken(password)
  if (token === undefined && password !== '') return { refusal: 'the password is not a shared access signature' }
  if (token === undefined && certificate === undefined)
    return { refusal: 'the client has neither a password nor a certificate' }
  const device = await findIdentity(deps.db, everything, deviceId)
  const now = deps.clock.now().getTime() / 1000
  const shownBy = async (): Promise<{ readonly expiry: number } | { readonly fault: string }> => {
    if (token === undefined) {
      if (certificate === undefined || device === undefined) return { fault: 'unknown device' }
      const fault = certificateFault(certificate, device, now)
      return fault === undefined ? { expiry: certificate.validTo } : { fault }
    }
    const segments = ['devices', deviceId]
    if (token.policyName !== undefined) {
      const verified = await verifyPolicyToken(deps, token, segments, hostNames)
      if ('fault' in verified) return verified
      return rightsOfPolicy(verified.policy.rights).has('connectDevices')
        ? token
        : { fault: 'the policy does not have the right deviceConnect' }
    }
    const keysBase64 = device?.authentication.type === 'sas' ? Object.values(device.authentication.symmetricKey) : []
    const fault = tokenFault(token, { keysBase64, segments, acceptedHosts: hostNames, nowSeconds: now })
    if (device !== undefined && device.authentication.type !== 'sas') {
      return { fault: 'the client has a token, but the device is not registered with keys' }
    }
    return fault === undefined ? token : { fault }
  }
  const shownIs = await shownBy()
  if (device === undefined) return { refusal: 'unknown device' }
  if ('fault' in shownIs) return { refusal: shownIs.fault }
  if (device.status !== 'enabled') return { refusal: 'the device is disabled' }
  return { expiry: shownIs.expiry, identity: device.version }
}
