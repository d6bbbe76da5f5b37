import { maxPayloadLength } from '../method/check-call.ts'
import { invokeMethod } from '../method/commands.ts'
import { everything } from '../scope.ts'
import { RestError } from './errors.ts'
import { answerText, type Call, type Route } from './route.ts'
import { membersOf, textsIn } from './wire.ts'

/**
 * Calls a method. The Azure SDK repeats a call after 429, 500 and 503 for up to four minutes, so once the device may
 * have received it, the status is 200 or 504 (see `invokeMethod`).
 */
async function invoke({ deps, id, body, signal }: Call): Promise<Response> {
  const call = membersOf(body, [])
  const length = Buffer.byteLength(JSON.stringify(call.payload ?? null))
  if (length > maxPayloadLength) {
    throw new RestError('MessageTooLarge', `The payload has ${length} bytes of JSON. At most 128 KB are allowed.`)
  }
  const { status, payload } = await invokeMethod(deps, everything, id, call, signal)
  // The device's own text: parsed and printed again, large numbers would lose digits.
  return answerText(`{"status":${status},"payload":${payload}}`)
}

/** Direct methods. */
export const methodRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/twins/{deviceId}/methods',
    operationId: 'invokeMethod',
    summary: 'Calls a method on a device, at most once, and returns the answer of the device.',
    right: 'invokeMethods',
    audit: (body) => textsIn(body, ['methodName']),
    body: { schema: 'MethodCall' },
    answer: { status: 200, schema: 'MethodResponse' },
    errorForm: 'structured',
    handle: invoke,
  },
]
