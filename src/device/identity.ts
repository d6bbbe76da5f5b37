import { InvalidInputError } from '../errors.ts'

/** Whether a device may connect. */
export type DeviceStatus = 'enabled' | 'disabled'

/** Two keys as base64, so that one can be changed while the other is in use. */
export type SymmetricKey = { readonly primaryKey: string; readonly secondaryKey: string }

/**
 * The fingerprints of a device's own certificates, upper-case hexadecimal, SHA-1 or SHA-256. At least one is present.
 */
export type X509Thumbprint = { readonly primaryThumbprint: string | null; readonly secondaryThumbprint: string | null }

/** How a device authenticates. */
export type Authentication =
  | { readonly type: 'sas'; readonly symmetricKey: SymmetricKey }
  | { readonly type: 'selfSigned'; readonly x509Thumbprint: X509Thumbprint }
  | { readonly type: 'certificateAuthority' }
  | { readonly type: 'none' }

/** The same as stored in a device's row. Columns that the type does not use are null. */
export type StoredAuthentication = SymmetricKeyColumns &
  X509Thumbprint & { readonly authenticationType: Authentication['type'] }
type SymmetricKeyColumns = { readonly primaryKey: string | null; readonly secondaryKey: string | null }

type Path = readonly string[]

/** Random bytes in a generated key. */
export const keyLength = 32

/**
 * A device id: 1 to 128 characters, case-sensitive. The characters are those of IoT Hub, without `+` and `#`: both are
 * wildcards in a topic filter (MQTT 3.1.1, 4.7.1), so a device with such a name could subscribe to its own topics only
 * by subscribing to those of other devices. `.` and `..` would be removed from a URL's path.
 */
export function checkDeviceId(value: unknown, path: Path): string {
  if (typeof value !== 'string') throw new InvalidInputError(path, 'A device id must be a string.')
  if (value.length < 1 || value.length > 128) {
    throw new InvalidInputError(path, `A device id must have 1 to 128 characters. This one has ${value.length}.`)
  }
  const wildcard = /[+#]/.exec(value)?.[0]
  if (wildcard !== undefined) {
    throw new InvalidInputError(path, `A device id must not contain ${wildcard}, which is a wildcard in MQTT topics.`)
  }
  const sign = /[^A-Za-z0-9\-.%_*?!(),:;=@$']/u.exec(value)?.[0]
  if (sign !== undefined) throw new InvalidInputError(path, `A device id must not contain ${JSON.stringify(sign)}.`)
  if (value === '.' || value === '..') {
    throw new InvalidInputError(path, `A device id must not be ${value}, which cannot be a path segment of a URL.`)
  }
  return value
}

/** A device's status, `enabled` when left out. */
export function checkStatus(value: unknown, path: Path): DeviceStatus {
  if (value === undefined || value === null) return 'enabled'
  if (value === 'enabled' || value === 'disabled') return value
  throw new InvalidInputError(path, 'A device status must be enabled or disabled.')
}

/** Why a device has its status: up to 128 characters (code points) of any script that PostgreSQL can store. */
export function checkStatusReason(value: unknown, path: Path): string | null {
  if (value === undefined || value === null) return null
  if (typeof value !== 'string') throw new InvalidInputError(path, 'A status reason must be a string.')
  if ([...value].length > 128) throw new InvalidInputError(path, 'A status reason must have at most 128 characters.')
  if (value.includes('\0') || /\p{Surrogate}/u.test(value)) {
    throw new InvalidInputError(path, 'A status reason must not contain U+0000 or half of a surrogate pair.')
  }
  return value
}

/** Whether the device is an IoT Edge device, from `{ iotEdge? }`. It is stored and shown, without further effect. */
export function checkCapabilities(input: unknown, path: Path): boolean {
  const iotEdge = membersOf(input, path).get('iotEdge') ?? false
  if (typeof iotEdge === 'boolean') return iotEdge
  throw new InvalidInputError([...path, 'iotEdge'], 'iotEdge must be true or false.')
}

/**
 * The authentication in `{ type?, symmetricKey?, x509Thumbprint? }`. Without a type it is `selfSigned` when a
 * thumbprint is given and `sas` otherwise, like in the Azure SDK. Members that belong to another type are ignored,
 * because a device that was read contains them all. With `sas` and both keys empty or missing, `missingKeys` supplies
 * them: new keys for a new device, and on an update the present ones, because otherwise the device would be locked out.
 */
export function checkAuthentication(input: unknown, path: Path, missingKeys: () => SymmetricKey): Authentication {
  const members = membersOf(input, path)
  const thumbprintPath = [...path, 'x509Thumbprint']
  const thumbprints = membersOf(members.get('x509Thumbprint'), thumbprintPath)
  const impliedType = [...thumbprints.values()].some(isGiven) ? 'selfSigned' : 'sas'
  const type: unknown = members.get('type') ?? impliedType
  switch (type) {
    case 'sas':
      return {
        type,
        symmetricKey: checkSymmetricKey(members.get('symmetricKey'), [...path, 'symmetricKey'], missingKeys),
      }
    case 'selfSigned':
      return { type, x509Thumbprint: checkThumbprints(thumbprints, thumbprintPath) }
    case 'certificateAuthority':
    case 'none':
      return { type }
    default:
      throw new InvalidInputError(
        [...path, 'type'],
        'An authentication type must be sas, selfSigned, certificateAuthority or none.',
      )
  }
}

/** An authentication as the columns of a device's row. */
export function storedAuthentication(authentication: Authentication): StoredAuthentication {
  return {
    authenticationType: authentication.type,
    ...(authentication.type === 'sas' ? authentication.symmetricKey : { primaryKey: null, secondaryKey: null }),
    ...(authentication.type === 'selfSigned'
      ? authentication.x509Thumbprint
      : { primaryThumbprint: null, secondaryThumbprint: null }),
  }
}

/** A symmetric key of random bytes, in base64. */
export function makeKey(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

function checkSymmetricKey(input: unknown, path: Path, missingKeys: () => SymmetricKey): SymmetricKey {
  const keys = membersOf(input, path)
  const primaryKey = keys.get('primaryKey')
  const secondaryKey = keys.get('secondaryKey')
  if (!isGiven(primaryKey) && !isGiven(secondaryKey)) return missingKeys()
  if (!isGiven(primaryKey) || !isGiven(secondaryKey)) {
    throw new InvalidInputError(path, 'Give both keys, or neither. If neither is given, the hub generates both.')
  }
  return {
    primaryKey: checkKey(primaryKey, [...path, 'primaryKey']),
    secondaryKey: checkKey(secondaryKey, [...path, 'secondaryKey']),
  }
}

function checkKey(value: unknown, path: Path): string {
  if (typeof value === 'string' && value.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(value)) {
    const length = Buffer.from(value, 'base64').length
    if (length >= 16 && length <= 64) return value
  }
  throw new InvalidInputError(path, 'A symmetric key must be 16 to 64 bytes in base64.')
}

function checkThumbprints(thumbprints: ReadonlyMap<string, unknown>, path: Path): X509Thumbprint {
  const primaryThumbprint = checkThumbprint(thumbprints.get('primaryThumbprint'), [...path, 'primaryThumbprint'])
  const secondaryThumbprint = checkThumbprint(thumbprints.get('secondaryThumbprint'), [...path, 'secondaryThumbprint'])
  if (primaryThumbprint === null && secondaryThumbprint === null) {
    throw new InvalidInputError(path, 'A device with self-signed certificates requires at least one thumbprint.')
  }
  return { primaryThumbprint, secondaryThumbprint }
}

function checkThumbprint(value: unknown, path: Path): string | null {
  if (!isGiven(value)) return null
  if (typeof value === 'string' && /^(?:[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})$/.test(value)) return value.toUpperCase()
  throw new InvalidInputError(path, 'A thumbprint must consist of 40 (SHA-1) or 64 (SHA-256) hexadecimal digits.')
}

/** The Azure SDK sends empty strings for unknown values. */
function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== ''
}

function membersOf(value: unknown, path: Path): ReadonlyMap<string, unknown> {
  if (value === undefined || value === null) return new Map()
  if (typeof value === 'object' && !Array.isArray(value)) return new Map(Object.entries(value))
  throw new InvalidInputError(path, `${path.at(-1) ?? 'The input'} must be an object.`)
}
