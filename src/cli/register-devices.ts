import { graphql } from '../generated/commands/gql.ts'
import type { CreateDeviceInput } from '../generated/commands/graphql.ts'
import { createEach } from './create-devices.ts'
import type { HubClient } from './hub-client.ts'

const CreateFleet = graphql(`
  mutation CreateDevices($input: CreateDevicesInput!) {
    createDevices(input: $input) {
      __typename
      ... on CreateDevicesPayload {
        results {
          __typename
          ... on CreateDevicePayload { device { deviceId authentication { symmetricKey { primaryKey } } } }
          ... on Error { message }
          ... on LimitExceededError { retryAfterSeconds }
        }
      }
      ... on Error { message }
      ... on LimitExceededError { retryAfterSeconds }
    }
  }
`)

const readKeys = graphql(`
  query ReadKeys($queryCondition: String!, $first: Int!) {
    devices(queryCondition: $queryCondition, first: $first) {
      nodes { deviceId authentication { symmetricKey { primaryKey } } }
    }
  }
`)

/** Devices per mutation. With their twins, they are well below the hub's maximum size of a request. */
const createAtOnce = 500
/**
 * Devices per query: they fit on one page of the hub, and a condition with their ids is below its limit of 8,192
 * characters.
 */
const readAtOnce = 50

/** The result of `registerDevices`. The keys are base64, in no particular order. */
export type Registration = {
  readonly keys: ReadonlyMap<string, string>
  /** How many devices were new. */
  readonly created: number
}

/** The hub refused to register a device, or a registered device does not use a symmetric key. */
export class RegistrationError extends Error {
  override readonly name = 'RegistrationError'
}

/**
 * Creates those of the devices that do not exist yet, and returns the primary keys of all. A hub that asks to wait is given
 * the time. RegistrationError, HubUnreachableError or HubRefusedError, and the reason of the signal.
 */
export async function registerDevices(
  client: Pick<HubClient, 'execute'>,
  devices: readonly CreateDeviceInput[],
  {
    onProgress = () => {},
    signal = new AbortController().signal,
  }: { readonly onProgress?: (done: number) => void; readonly signal?: AbortSignal } = {},
): Promise<Registration> {
  const keys = new Map<string, string>()
  const known: string[] = []
  const create = (left: readonly CreateDeviceInput[]) =>
    client.execute(CreateFleet, { input: { devices: left } }).then(({ createDevices }) => createDevices)
  for (const part of parts(devices, createAtOnce)) {
    for await (const [{ deviceId }, result] of createEach(part, create, signal)) {
      if (result.__typename === 'AlreadyExistsError') known.push(deviceId)
      else if (result.__typename === 'CreateDevicePayload') keep(keys, result.device ?? { deviceId })
      else throw new RegistrationError(`The device ${deviceId} could not be registered: ${result.message}`)
    }
    onProgress(keys.size)
  }
  const created = keys.size
  for (const part of parts(known, readAtOnce)) {
    const queryCondition = `deviceId IN [${part.map((deviceId) => `'${deviceId}'`).join(', ')}]`
    const { devices } = await client.execute(readKeys, { queryCondition, first: part.length })
    for (const device of devices?.nodes ?? []) keep(keys, device)
    onProgress(keys.size)
  }
  return { keys, created }
}

type WithKey = {
  readonly deviceId: string
  readonly authentication?: { readonly symmetricKey?: { readonly primaryKey: string } | null } | null
}

function keep(keys: Map<string, string>, { deviceId, authentication }: WithKey): void {
  const key = authentication?.symmetricKey?.primaryKey
  if (key === undefined) {
    throw new RegistrationError(`The device ${deviceId} is registered, but without a symmetric key.`)
  }
  keys.set(deviceId, key)
}

function* parts<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let from = 0; from < all.length; from += size) yield all.slice(from, from + size)
}
