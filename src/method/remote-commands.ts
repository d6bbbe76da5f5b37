import { parsed } from '../bus/bus.ts'
import { isInstanceAlive } from '../database/instance-lease.ts'
import type { Deps } from '../deps.ts'
import {
  BadDeviceResponseError,
  DeviceDisabledError,
  DeviceOfflineError,
  DeviceTimeoutError,
  DomainError,
  NotFoundError,
} from '../errors.ts'
import { membersOf } from '../json/json.ts'
import type { MethodResponse } from './answer.ts'
import { callHere, type SentCall } from './call-commands.ts'
import type { CalledDevice } from './fate-commands.ts'
import { findPlace } from './place-commands.ts'

/** Milliseconds beyond the timeouts of a call in which the other instance answers. */
const grace = 5_000

/** What another instance is asked to do. `seconds` is what is left of the connect timeout. */
type Asked = { readonly device: CalledDevice; readonly call: SentCall; readonly seconds: number }

/** Its answer. Of an error, the kind and the message; `moved`: the device is connected elsewhere, and nothing was sent. */
type Told = { readonly response: MethodResponse } | { readonly error: ErrorKind; readonly message: string } | 'moved'

/** The errors that another instance may answer, by kind. */
const errors = {
  NotFound: (deviceId: string) => new NotFoundError('device', deviceId),
  DeviceDisabled: (deviceId: string) => new DeviceDisabledError(deviceId),
  DeviceOffline: (_: string, message: string) => new DeviceOfflineError(message),
  DeviceTimeout: (_: string, message: string) => new DeviceTimeoutError(message),
  BadDeviceResponse: (_: string, message: string) => new BadDeviceResponseError(message),
} as const
type ErrorKind = keyof typeof errors

const subjectOf = (instanceId: string): string => `call.${instanceId}`

/**
 * Has a device called by the instance that it is connected to, at most once. Undefined when the device is no longer
 * there and nothing was sent. Errors as `invokeMethod`; DeviceTimeoutError also when the other instance does not answer,
 * and as soon as it is dead.
 */
export async function callThere(
  deps: Pick<Deps, 'bus' | 'db' | 'events'>,
  instanceId: string,
  asked: Asked,
  signal?: AbortSignal,
): Promise<MethodResponse | undefined> {
  const { device, call, seconds } = asked
  const ms = (seconds + call.responseTimeoutInSeconds) * 1000 + grace
  const death = new AbortController()
  const stopWatching = watchInstance(deps, instanceId, device.id, death)
  const signals = [death.signal, ...(signal ? [signal] : [])]
  const text = await deps.bus
    .request(subjectOf(instanceId), JSON.stringify(asked), ms, AbortSignal.any(signals))
    .finally(stopWatching)
  const told = text === undefined ? undefined : readTold(text)
  if (told === undefined) {
    const reason = death.signal.aborted
      ? 'The instance that it was connected to has stopped.'
      : 'The instance that it is connected to did not answer.'
    throw new DeviceTimeoutError(`The call of ${call.methodName} may have been sent to "${device.id}". ${reason}`)
  }
  if (told === 'moved') return undefined
  if ('response' in told) return told.response
  throw errors[told.error](device.id, told.message)
}

/**
 * Aborts `death` when the instance of the device is dead, until the returned function is called. The instance that cleans
 * up after it changes the presence of its devices.
 */
function watchInstance(
  { db, events }: Pick<Deps, 'db' | 'events'>,
  instanceId: string,
  deviceId: string,
  death: AbortController,
): () => void {
  const check = async (): Promise<void> => {
    const isAlive = await isInstanceAlive(db, instanceId).catch(() => true)
    if (!isAlive) death.abort()
  }
  const stops = [
    events.listen('presence')(({ deviceIds }) => {
      if (deviceIds.includes(deviceId)) void check()
    }),
    // The event may be among those that were lost.
    events.listen('missed')(() => void check()),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}

/** Calls the devices that are connected to this instance for the others, until the returned function is called. */
export function answerCalls(deps: Deps): () => void {
  const answer = async (text: string): Promise<string> => JSON.stringify(await tell(deps, text))
  // The instance gets another id after it was declared dead.
  let stop = deps.bus.answer(subjectOf(deps.lease.instanceId), answer)
  const stopListening = deps.events.listen('returned')(() => {
    stop()
    stop = deps.bus.answer(subjectOf(deps.lease.instanceId), answer)
  })
  return () => {
    stopListening()
    stop()
  }
}

async function tell(deps: Deps, text: string): Promise<Told> {
  try {
    const { device, call, seconds } = readAsked(text)
    const place = await findPlace(deps, device, call, seconds)
    if (place !== deps.lease.instanceId) return 'moved'
    return { response: await callHere(deps, device, call) }
  } catch (error) {
    if (error instanceof DomainError) return { error: kindOf(error), message: error.message }
    deps.log.error({ err: error }, 'call for another instance failed')
    return { error: 'DeviceOffline', message: 'The instance that the device is connected to could not call it.' }
  }
}

function kindOf(error: DomainError): ErrorKind {
  if (error instanceof DeviceDisabledError) return 'DeviceDisabled'
  if (error instanceof NotFoundError) return 'NotFound'
  if (error instanceof DeviceTimeoutError) return 'DeviceTimeout'
  return error instanceof BadDeviceResponseError ? 'BadDeviceResponse' : 'DeviceOffline'
}

/** Every user of the database can send a message. */
function readAsked(text: string): Asked {
  const { device, call, seconds } = membersOf(parsed(text))
  const { id, generation } = membersOf(device)
  const { methodName, payload, responseTimeoutInSeconds, connectTimeoutInSeconds } = membersOf(call)
  if (
    typeof id !== 'string' ||
    typeof generation !== 'string' ||
    typeof methodName !== 'string' ||
    typeof payload !== 'string' ||
    typeof responseTimeoutInSeconds !== 'number' ||
    typeof connectTimeoutInSeconds !== 'number' ||
    typeof seconds !== 'number'
  ) {
    throw new Error('A message of another instance is not a call.')
  }
  return {
    device: { id, generation },
    call: { methodName, payload, responseTimeoutInSeconds, connectTimeoutInSeconds },
    seconds,
  }
}

function readTold(text: string): Told | undefined {
  const value = parsed(text)
  if (value === 'moved') return value
  const { response, error, message } = membersOf(value)
  const { status, payload } = membersOf(response)
  if (typeof status === 'number' && typeof payload === 'string') return { response: { status, payload } }
  return isErrorKind(error) && typeof message === 'string' ? { error, message } : undefined
}

const isErrorKind = (value: unknown): value is ErrorKind => typeof value === 'string' && Object.hasOwn(errors, value)
