import { InvalidInputError } from '../errors.ts'
import { isDeeper, type Json, type JsonObject } from '../json/json.ts'
import type { Limits } from '../limits/limits.ts'

/** A direct method call. The two timeouts are for the device to connect, and then for its answer. */
export type MethodCall = {
  readonly methodName: string
  readonly payload: Json
  readonly responseTimeoutInSeconds: number
  readonly connectTimeoutInSeconds: number
}

/** A call as a client sends it. */
export type MethodCallInput = {
  readonly methodName?: unknown
  readonly payload?: unknown
  readonly responseTimeoutInSeconds?: unknown
  readonly connectTimeoutInSeconds?: unknown
}

type Path = readonly string[]

/** Maximum bytes of a payload as JSON text, in each direction (IoT Hub). */
export const maxPayloadLength = 128 * 1024

/** The metered size of a call's request: kilobytes, in steps of four (IoT Hub). `payload` is JSON text. */
export const meteredKilobytes = (payload: string): number => Math.ceil(Buffer.byteLength(payload) / 4096) * 4

/**
 * The call, with IoT Hub's defaults for members that are left out or null: an answer within 30 seconds from a device
 * that is connected now, and `null` for a payload (a device SDK refuses a call whose body is empty). Throws
 * `InvalidInputError` with the member's path.
 */
export function checkMethodCall(
  input: MethodCallInput,
  path: Path,
  { jsonDepth }: Pick<Limits, 'jsonDepth'>,
): MethodCall {
  return {
    methodName: checkName(input.methodName, [...path, 'methodName']),
    payload: checkPayload(input.payload, [...path, 'payload'], jsonDepth),
    responseTimeoutInSeconds: checkSeconds(input.responseTimeoutInSeconds, 30, 5, [
      ...path,
      'responseTimeoutInSeconds',
    ]),
    connectTimeoutInSeconds: checkSeconds(input.connectTimeoutInSeconds, 0, 0, [...path, 'connectTimeoutInSeconds']),
  }
}

/**
 * A name is part of an MQTT topic without encoding, because devices do not decode it. So it must not contain characters
 * with a meaning in a topic or its query, nor those that Azure's documentation excludes.
 */
function checkName(value: unknown, path: Path): string {
  if (typeof value !== 'string' || value.length < 1 || value.length > 100) {
    throw new InvalidInputError(path, 'methodName must be a string of 1 to 100 characters.')
  }
  const sign = /[^!-~]|[$()<>@,;:\\"/[\]?={}+#]/u.exec(value)?.[0]
  if (sign !== undefined) throw new InvalidInputError(path, `methodName must not contain ${nameOf(sign)}.`)
  return value
}

/** The character, except the one that cuts an error message short in the Azure SDK. */
function nameOf(sign: string): string {
  return sign === ';' ? 'a semicolon' : JSON.stringify(sign)
}

function checkPayload(value: unknown, path: Path, maxDepth: number): Json {
  if (isDeeper(value, maxDepth)) {
    throw new InvalidInputError(path, `The payload is nested more than ${maxDepth} levels deep.`)
  }
  const payload = checkJson(value ?? null, path)
  const length = Buffer.byteLength(JSON.stringify(payload))
  if (length > maxPayloadLength) {
    throw new InvalidInputError(path, `The payload has ${length} bytes of JSON. At most 128 KB are allowed.`)
  }
  return payload
}

/** Payloads are stored as JSON text, which can represent any string: only the shape is checked. */
function checkJson(value: unknown, path: Path): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  // 1e999 is parsed as Infinity, which would be printed as null.
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new InvalidInputError(path, 'The payload contains a number that is not finite.')
  }
  if (typeof value === 'number') return value
  if (typeof value !== 'object') throw new InvalidInputError(path, 'The payload contains a value that is not JSON.')
  if (Array.isArray(value)) return value.map((item: unknown) => checkJson(item, path))
  const members: JsonObject = Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, checkJson(member, path)]),
  )
  return members
}

/** The wording is IoT Hub's. */
function checkSeconds(value: unknown, fallback: number, min: number, path: Path): number {
  if (value === undefined || value === null) return fallback
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= 300) return value
  throw new InvalidInputError(path, `${path.at(-1)} must be within [${min}; 300].`)
}
