import type { Actor } from '../actor.ts'
import { DomainError } from '../errors.ts'
import type { Json, JsonObject } from '../json/json.ts'

/**
 * How an operation ended. Refused: something about the request or the state of the hub did not allow it. Denied: the
 * actor may not do it. Failed: the hub had a fault.
 */
export type AuditOutcome = (typeof auditOutcomes)[number]

export const auditOutcomes = ['succeeded', 'refused', 'denied', 'failed'] as const

/** How an operation ended, with the code of its error. */
export type AuditEnd = { readonly outcome: AuditOutcome; readonly code: string | null }

/** What somebody is about to do. */
export type AuditAttempt = {
  readonly actor: Actor
  /** The address of the client. Undefined when the request had no connection. */
  readonly address: string | undefined
  /** The name of the operation in its API, such as `cancelJob`. */
  readonly operation: string
  /** The id of the device or job. Null for operations on several devices. */
  readonly target: string | null
  /** More about the operation. Never a key, a token, a payload or a value of a twin. */
  readonly detail: JsonObject | null
}

/** An entry of the audit, before it has a key. `attempt` identifies it until then. */
export type NewAuditEntry = AuditAttempt & AuditEnd & { readonly attempt: string; readonly time: Date }

export const succeeded: AuditEnd = { outcome: 'succeeded', code: null }

/**
 * The end by an expected error. Undefined for another error. A method call that was sent has been made, whatever became
 * of it, so it counts as succeeded; the code shows the rest.
 */
export function endByError(error: unknown): AuditEnd | undefined {
  if (!(error instanceof DomainError)) return undefined
  const { code } = error
  switch (code) {
    case 'FORBIDDEN':
    case 'UNAUTHORIZED':
    case 'TOKEN_EXPIRED':
    case 'TOKEN_INVALID':
      return { outcome: 'denied', code }
    case 'DEVICE_TIMEOUT':
    case 'BAD_DEVICE_RESPONSE':
      return { outcome: 'succeeded', code }
    default:
      return { outcome: 'refused', code }
  }
}

/** Maximum number of characters of a text in an entry. */
const maxText = 1_000
/** Maximum number of ids or paths in the detail of an entry. */
const maxListed = 100

/** Maximum number of characters of each of them. */
const maxListedText = 128

const listed = (texts: readonly string[]): string[] =>
  texts.slice(0, maxListed).map((text) => text.slice(0, maxListedText))

/** The text as an entry keeps it: at most 1,000 characters, without those that PostgreSQL cannot store. */
export const storableText = (text: string): string =>
  text
    .slice(0, maxText)
    .replaceAll('\0', '')
    .replaceAll(/\p{Surrogate}/gu, '\uFFFD')

/** The value with all its texts as an entry keeps them. */
export function storable(value: Json): Json {
  if (typeof value === 'string') return storableText(value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(storable)
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [storableText(name), storable(member)]))
}

/** The number of devices, and the ids of the first ones. Values that are not texts count only. */
export function devicesDetail(ids: readonly unknown[]): JsonObject {
  const texts = ids.filter((id) => typeof id === 'string')
  return { devices: ids.length, deviceIds: listed(texts) }
}

/** The paths of the members that a change of a twin has in its sections, without their values. */
export function twinDetail(sections: Readonly<Record<string, unknown>>): JsonObject {
  const paths = Object.entries(sections).flatMap(([section, members]) =>
    typeof members === 'object' && members !== null ? Object.keys(members).map((name) => `${section}.${name}`) : [],
  )
  return { members: paths.length, paths: listed(paths) }
}
