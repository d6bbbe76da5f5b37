import { randomBytes } from 'node:crypto'
import type { Deps } from '../deps.ts'
import { findIdentity, generationOf, type Identity } from '../device/store.ts'
import {
  BadDeviceResponseError,
  DeviceDisabledError,
  DeviceOfflineError,
  DeviceTimeoutError,
  DomainError,
  NotFoundError,
} from '../errors.ts'
import { everything, type Scope } from '../scope.ts'
import type { MethodAnswer, MethodResponse } from './answer.ts'
import { checkMethodCall, type MethodCallInput, meteredKilobytes } from './check-call.ts'

/**
 * Calls a method on one connected device and waits for its answer. Sent at most once. NotFoundError for a device that
 * is disabled, unknown or not in the scope; DeviceOfflineError when it is not connected within the connect timeout;
 * DeviceTimeoutError when it got the call and did not answer in time, or was deleted or disabled before it answered;
 * BadDeviceResponseError when its answer cannot be passed on; InvalidInputError; LimitExceededError.
 * LimitExceededError, or any error that is not named here, means that nothing was sent: clients of IoT Hub repeat a
 * call after these.
 */
export async function invokeMethod(
  deps: Deps,
  scope: Scope,
  deviceId: string,
  input: MethodCallInput,
  signal?: AbortSignal,
): Promise<MethodResponse> {
  const call = checkMethodCall(input, [], deps.limits)
  const payload = JSON.stringify(call.payload)
  deps.throttles.take('methods', meteredKilobytes(payload))
  const device = await findIdentity(deps.db, scope, deviceId)
  if (device === undefined) throw new NotFoundError('device', deviceId)
  if (device.status !== 'enabled') throw new DeviceDisabledError(deviceId)
  await waitForDevice(deps, device, call.connectTimeoutInSeconds, signal)

  // No dot, so that it can never be taken for the request id of a job (job/request-id.ts).
  const requestId = randomBytes(12).toString('base64url')
  let stopListening = (): void => {}
  // Subscribed before the call is sent, and only to messages of the device itself.
  const answer = new Promise<MethodAnswer['response']>((resolve) => {
    stopListening = deps.events.listen(
      'methodAnswer',
      requestId,
    )((answer) => {
      if (answer.deviceId === deviceId) resolve(answer.response)
    })
  })
  const timeout = new AbortController()
  const following = follow(deps, device, timeout)
  try {
    const { methodName } = call
    if (!deps.attached.deliver({ deviceId, requestId, methodName, payload })) {
      throw unreached(deviceId, await fateOf(deps, device), call.connectTimeoutInSeconds)
    }
    const first = await Promise.race([
      answer,
      deps.clock.sleep(
        call.responseTimeoutInSeconds * 1000,
        AbortSignal.any([timeout.signal, ...(signal ? [signal] : [])]),
      ),
    ])
    const fate = await following.fate()
    // An answer from a new device with the same id does not count; an answer from before the device was disabled does.
    if (fate === 'deleted' || (fate !== undefined && first === undefined)) {
      throw new DeviceTimeoutError(
        `The call of ${methodName} was sent, but "${deviceId}" was ${fate} before it answered.`,
      )
    }
    if (first === undefined) {
      throw new DeviceTimeoutError(
        `The call of ${methodName} was sent, but "${deviceId}" did not answer within ${call.responseTimeoutInSeconds} seconds.`,
      )
    }
    if ('problem' in first) throw new BadDeviceResponseError(first.problem)
    return first
  } catch (error) {
    if (error instanceof DomainError) throw error
    deps.log.error({ err: error, deviceId }, 'method call failed after it may have been sent')
    throw new DeviceTimeoutError(`The call may have been sent to "${deviceId}". Its answer is lost.`, { cause: error })
  } finally {
    timeout.abort()
    following.stop()
    stopListening()
  }
}

/**
 * Why a device that was connected, and may have been called, can no longer answer. A new device with the same id is
 * another device.
 */
type Fate = 'deleted' | 'disabled'

async function fateOf({ db }: Pick<Deps, 'db'>, device: Identity): Promise<Fate | undefined> {
  const now = await findIdentity(db, everything, device.id)
  if (now === undefined || generationOf(now) !== generationOf(device)) return 'deleted'
  return now.status === 'enabled' ? undefined : 'disabled'
}

/**
 * Reads the device again whenever it changes, and aborts `wait` when it can no longer answer or when that cannot be
 * determined.
 */
function follow(
  deps: Pick<Deps, 'db' | 'events'>,
  device: Identity,
  wait: AbortController,
): { readonly fate: () => Promise<Fate | undefined>; readonly stop: () => void } {
  let fate: Promise<Fate | undefined> = Promise.resolve(undefined)
  const stop = deps.events.listen('identity')((changed) => {
    if (changed.deviceId !== device.id) return
    fate = fateOf(deps, device)
    fate.then(
      (found) => {
        if (found !== undefined) wait.abort()
      },
      () => wait.abort(),
    )
  })
  return { fate: () => fate, stop }
}

async function waitForDevice(
  deps: Pick<Deps, 'db' | 'events' | 'attached' | 'clock'>,
  device: Identity,
  seconds: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (deps.attached.reaches(device.id)) return
  const wait = new AbortController()
  const following = follow(deps, device, wait)
  const stopListening = deps.attached.onAttach((attached) => {
    if (attached === device.id) wait.abort()
  })
  try {
    await deps.clock.sleep(seconds * 1000, AbortSignal.any([wait.signal, ...(signal ? [signal] : [])]))
    // A change by another instance may arrive later than the device reconnects.
    const fate = await fateOf(deps, device)
    if (fate !== undefined || !deps.attached.reaches(device.id)) throw unreached(device.id, fate, seconds)
  } finally {
    stopListening()
    following.stop()
  }
}

/** A device that was disabled or deleted a moment ago is disconnected for that reason. */
function unreached(deviceId: string, fate: Fate | undefined, seconds: number): DomainError {
  if (fate === 'deleted') return new NotFoundError('device', deviceId)
  if (fate === 'disabled') return new DeviceDisabledError(deviceId)
  return new DeviceOfflineError(
    seconds === 0
      ? `"${deviceId}" is not connected, or has not subscribed to methods.`
      : `"${deviceId}" did not connect and subscribe to methods within ${seconds} seconds.`,
  )
}

/** Passes an answer to the caller that waits for it; there may be no listener. */
export function answerInvocation(deps: Pick<Deps, 'events'>, answer: MethodAnswer): void {
  deps.events.publish('methodAnswer', answer.requestId, answer)
}
