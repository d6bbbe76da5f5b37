import type { Deps } from '../deps.ts'
import { findIdentity, generationOf } from '../device/store.ts'
import { DeviceDisabledError, NotFoundError } from '../errors.ts'
import type { Scope } from '../scope.ts'
import type { MethodResponse } from './answer.ts'
import { callHere } from './call-commands.ts'
import { checkMethodCall, type MethodCallInput, meteredKilobytes } from './check-call.ts'
import { unreached } from './fate-commands.ts'
import { findPlace } from './place-commands.ts'
import { callThere } from './remote-commands.ts'

/** How often a device may change its instance during one call. */
const mostMoves = 5

/**
 * Calls a method on one connected device, whichever instance it is connected to, and waits for its answer. Sent at most
 * once. NotFoundError for a device that is disabled, unknown or not in the scope; DeviceOfflineError when it is not
 * connected within the connect timeout; DeviceTimeoutError when it got the call and did not answer in time, or was
 * deleted or disabled before it answered; BadDeviceResponseError when its answer cannot be passed on;
 * InvalidInputError; LimitExceededError. LimitExceededError, or any error that is not named here, means that nothing
 * was sent: clients of IoT Hub repeat a call after these.
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
  const identity = await findIdentity(deps.db, scope, deviceId)
  if (identity === undefined) throw new NotFoundError('device', deviceId)
  if (identity.status !== 'enabled') throw new DeviceDisabledError(deviceId)

  const device = { id: deviceId, generation: generationOf(identity) }
  const sent = { ...call, payload }
  const begun = deps.clock.elapsed()
  for (let moves = 0; moves < mostMoves; moves++) {
    const seconds = Math.max(0, call.connectTimeoutInSeconds - (deps.clock.elapsed() - begun) / 1000)
    const place = await findPlace(deps, device, call, seconds, signal)
    if (place === deps.lease.instanceId) return callHere(deps, device, sent, signal)
    const response = await callThere(deps, place, { device, call: sent, seconds }, signal)
    if (response !== undefined) return response
  }
  throw unreached(deviceId, undefined, call.connectTimeoutInSeconds)
}
