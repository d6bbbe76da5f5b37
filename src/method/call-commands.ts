import { randomBytes } from 'node:crypto'
import type { Deps } from '../deps.ts'
import { BadDeviceResponseError, DeviceTimeoutError, DomainError } from '../errors.ts'
import { failSpan } from '../tracing.ts'
import type { MethodAnswer, MethodResponse } from './answer.ts'
import { type CalledDevice, fateOf, follow, unreached } from './fate-commands.ts'

/** A call as it is sent. `payload` is JSON text. */
export type SentCall = {
  readonly methodName: string
  readonly payload: string
  readonly responseTimeoutInSeconds: number
  /** For the error, when the device has just gone. */
  readonly connectTimeoutInSeconds: number
}

/**
 * Calls a device that is connected to this instance, and waits for its answer. Errors as `invokeMethod`: a domain error
 * other than those says that nothing was sent.
 */
export async function callHere(
  deps: Deps,
  device: CalledDevice,
  { methodName, payload, responseTimeoutInSeconds, connectTimeoutInSeconds }: SentCall,
  signal?: AbortSignal,
): Promise<MethodResponse> {
  const deviceId = device.id
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
  const release = deps.attached.hold(deviceId)
  const timeout = new AbortController()
  const following = follow(deps, device, timeout)
  const attributes = { 'twincast.device.id': deviceId }
  const span = deps.tracing?.start(`call ${methodName}`, { kind: 'client', attributes })
  try {
    if (!deps.attached.deliver({ deviceId, requestId, methodName, payload })) {
      throw unreached(deviceId, await fateOf(deps, device), connectTimeoutInSeconds)
    }
    const first = await Promise.race([
      answer,
      deps.clock.sleep(responseTimeoutInSeconds * 1000, AbortSignal.any([timeout.signal, ...(signal ? [signal] : [])])),
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
        `The call of ${methodName} was sent, but "${deviceId}" did not answer within ${responseTimeoutInSeconds} seconds.`,
      )
    }
    if ('problem' in first) throw new BadDeviceResponseError(first.problem)
    span?.setAttribute('twincast.response.status', first.status)
    return first
  } catch (error) {
    if (span !== undefined) failSpan(span, error)
    if (error instanceof DomainError) throw error
    deps.log.error({ err: error, deviceId }, 'method call failed after it may have been sent')
    throw new DeviceTimeoutError(`The call may have been sent to "${deviceId}". Its answer is lost.`, { cause: error })
  } finally {
    span?.end()
    timeout.abort()
    following.stop()
    stopListening()
    release()
  }
}

/** Passes an answer to the caller that waits for it; there may be no listener. */
export function answerInvocation(deps: Pick<Deps, 'events'>, answer: MethodAnswer): void {
  deps.events.publish('methodAnswer', answer.requestId, answer)
}
