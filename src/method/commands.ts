import { randomBytes } from 'node:crypto'
import type { Deps } from '../deps.ts'
import { findIdentity, isStillThere } from '../device/store.ts'
import {
  BadDeviceResponseError,
  DeviceOfflineError,
  DeviceTimeoutError,
  DomainError,
  NotFoundError,
} from '../errors.ts'
import type { BadResponse, MethodResponse } from './answer.ts'
import { checkMethodCall, type MethodCallInput, meteredKilobytes } from './call.ts'

/**
 * Calls a method on one connected device and waits for its answer. Sent at most once. NotFoundError for an unknown or
 * disabled device, DeviceOfflineError when it is not here within the connect timeout, DeviceTimeoutError when it had
 * the call and did not answer in time, or was deleted before it did, BadDeviceResponseError when its answer cannot be passed
 * on, InvalidInputError, LimitExceededError. The last, or any error that is not named here, means that nothing was sent:
 * clients of IoT Hub repeat a call after one.
 */
export async function invokeMethod(
  deps: Deps,
  deviceId: string,
  input: MethodCallInput,
  signal?: AbortSignal,
): Promise<MethodResponse> {
  const call = checkMethodCall(input, [], deps.limits)
  const payload = JSON.stringify(call.payload)
  deps.throttles.take('methods', meteredKilobytes(payload))
  const device = await findIdentity(deps.db, deviceId)
  if (device?.status !== 'enabled') throw new NotFoundError('device', deviceId)
  await waitForDevice(deps, deviceId, call.connectTimeoutInSeconds, signal)

  // No dot, so that it can never be taken for the request id of a job (job/request-id.ts).
  const requestId = randomBytes(12).toString('base64url')
  const answers = deps.events.subscribe('methodAnswer', requestId)[Symbol.asyncIterator]()
  const answer = firstFrom(answers, deviceId) // listens from here on, before the call can be answered
  const timeout = new AbortController()
  const sent = deps.clock.now()
  /** Whether the device that had the call is still there: what another one of its id says is no answer to it. */
  let stillThere: Promise<boolean> | undefined
  const stopListening = deps.events.listen('identity')((changed) => {
    if (changed.deviceId !== deviceId) return
    stillThere = isStillThere(deps.db, deviceId, sent)
    stillThere.then(
      (is) => {
        if (!is) timeout.abort()
      },
      () => timeout.abort(),
    )
  })
  try {
    const { methodName } = call
    if (!deps.sessions.deliver({ deviceId, requestId, methodName, payload })) {
      throw offline(deviceId, call.connectTimeoutInSeconds)
    }
    const first = await Promise.race([
      answer,
      deps.clock.sleep(
        call.responseTimeoutInSeconds * 1000,
        AbortSignal.any([timeout.signal, ...(signal ? [signal] : [])]),
      ),
    ])
    if ((await stillThere) === false) {
      throw new DeviceTimeoutError(`"${deviceId}" had the call of ${methodName} and was deleted before it answered.`)
    }
    if (first === undefined) {
      throw new DeviceTimeoutError(
        `"${deviceId}" had the call of ${methodName} and did not answer within ${call.responseTimeoutInSeconds} seconds.`,
      )
    }
    if ('problem' in first) throw new BadDeviceResponseError(first.problem)
    return first
  } catch (error) {
    if (error instanceof DomainError) throw error
    deps.log.error({ err: error, deviceId }, 'a method call failed when it may have been sent')
    throw new DeviceTimeoutError(`"${deviceId}" may have had the call, whose answer is lost.`, { cause: error })
  } finally {
    timeout.abort()
    stopListening()
    await answers.return?.()
  }
}

type Answer = MethodResponse | BadResponse

/** The first answer that comes from the device itself. */
async function firstFrom(
  answers: AsyncIterator<{ readonly deviceId: string } & Answer>,
  deviceId: string,
): Promise<Answer | undefined> {
  for (;;) {
    const next = await answers.next()
    if (next.done) return undefined
    if (next.value.deviceId === deviceId) return next.value
  }
}

async function waitForDevice(
  deps: Pick<Deps, 'sessions' | 'clock'>,
  deviceId: string,
  seconds: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (deps.sessions.reaches(deviceId)) return
  const arrived = new AbortController()
  const stopListening = deps.sessions.onAttach((attached) => {
    if (attached === deviceId) arrived.abort()
  })
  try {
    await deps.clock.sleep(seconds * 1000, AbortSignal.any([arrived.signal, ...(signal ? [signal] : [])]))
  } finally {
    stopListening()
  }
  if (!deps.sessions.reaches(deviceId)) throw offline(deviceId, seconds)
}

const offline = (deviceId: string, seconds: number): DeviceOfflineError =>
  new DeviceOfflineError(
    seconds === 0
      ? `"${deviceId}" is not connected, or has not subscribed to methods.`
      : `"${deviceId}" did not connect and subscribe to methods within ${seconds} seconds.`,
  )

/** Hands an answer to whoever waits for it; nobody may. */
export function answerInvocation(
  deps: Pick<Deps, 'events'>,
  { requestId, ...answer }: { deviceId: string; requestId: string } & Answer,
): void {
  deps.events.publish('methodAnswer', requestId, answer)
}
