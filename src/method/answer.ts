import { overBudget } from '../json/json-budget.ts'
import { utf8Text } from '../utf8.ts'
import { maxPayloadLength } from './check-call.ts'

/** A device's answer to a method call. `payload` is JSON text. */
export type MethodResponse = { readonly status: number; readonly payload: string }

/** Why an answer cannot be used: the method ran, but the device's answer is lost. */
export type BadResponse = { readonly problem: string }

/**
 * A device's answer to a request id. The device may not be the one that was called: the receiver must check that they
 * match.
 */
export type MethodAnswer = {
  readonly deviceId: string
  readonly requestId: string
  readonly response: MethodResponse | BadResponse
}

const minStatus = -(2 ** 31)
const maxStatus = 2 ** 31 - 1

/**
 * Reads an answer in the form of the protocol. The payload stays the text that it is and is not printed again; an empty
 * one counts as null, because devices send that for no value. `depth` is that of `LIMIT_JSON_DEPTH`.
 */
export function readResponse(status: number, payload: Uint8Array, depth: number): MethodResponse | BadResponse {
  if (status < minStatus || status > maxStatus) return { problem: `The device answered with the status ${status}.` }
  if (payload.length > maxPayloadLength) {
    return { problem: `The device answered with ${payload.length} bytes. At most 128 KB are allowed.` }
  }
  if (payload.length === 0) return { status, payload: 'null' }
  if (overBudget(payload, { bytes: maxPayloadLength, members: Number.POSITIVE_INFINITY, depth }) === 'depth') {
    return {
      problem: `The device answered with the status ${status} and a payload nested more than ${depth} levels deep.`,
    }
  }
  const text = utf8Text(payload)
  if (text === undefined) {
    return { problem: `The device answered with the status ${status} and a payload that is not UTF-8.` }
  }
  try {
    JSON.parse(text)
  } catch {
    return { problem: `The device answered with the status ${status} and a payload that is not JSON.` }
  }
  return { status, payload: text }
}
