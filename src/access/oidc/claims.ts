import { InvalidInputError } from '../../errors.ts'
import type { Person } from '../viewer.ts'

/** A person as a verified token identifies it, with the role names in the token. */
export type Identified = Person & { readonly roles: readonly string[] }

/** The longest `sub`, as OpenID Connect defines it. */
const maxSubjectLength = 255
/** Characters of a name that are kept. */
const maxNameLength = 200

/**
 * The person that the claims of a verified token identify. `rolesPath` is where its roles are.
 * @throws InvalidInputError, with the claim as its path, when the token identifies no person.
 */
export function identify(claims: Readonly<Record<string, unknown>>, rolesPath: string): Identified {
  const { iss, sub } = claims
  if (typeof iss !== 'string') throw new InvalidInputError(['iss'], 'The claim iss must be a text.')
  if (typeof sub !== 'string' || sub === '' || sub.length > maxSubjectLength || hasControls.test(sub)) {
    throw new InvalidInputError(
      ['sub'],
      `The claim sub must be a text of 1 to ${maxSubjectLength} characters without control characters.`,
    )
  }
  return { issuer: iss, subject: sub, name: nameIn(claims) ?? sub, roles: rolesAt(claims, rolesPath) }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that names must not contain.
const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/
const hasControls = control
const controls = new RegExp(control, 'g')

/** The first of the usual claims that has a name for people. */
function nameIn(claims: Readonly<Record<string, unknown>>): string | undefined {
  for (const claim of ['name', 'preferred_username', 'email']) {
    const value = claims[claim]
    const name = typeof value === 'string' ? shown(value) : ''
    if (name !== '') return name
  }
  return undefined
}

const shown = (name: string): string => [...name.replace(controls, '').trim()].slice(0, maxNameLength).join('')

/**
 * The role names at a path in the claims: a list of texts, or one text with spaces between the names. The path is first
 * tried as the name of one claim, such as `https://example.com/roles`, and then as names with dots between them, where
 * `\.` is a dot within a name.
 */
export function rolesAt(claims: Readonly<Record<string, unknown>>, path: string): readonly string[] {
  const value = memberOf(claims, path) ?? namesIn(path).reduce<unknown>(memberOf, claims)
  if (typeof value === 'string') return distinct(value.split(/\s+/))
  if (Array.isArray(value)) return distinct(value.filter((role) => typeof role === 'string'))
  return []
}

/** The names in a path with dots. */
export const namesIn = (path: string): readonly string[] =>
  path.split(/(?<!\\)\./).map((name) => name.replaceAll('\\.', '.'))

const distinct = (names: readonly string[]): readonly string[] => [...new Set(names)].filter((name) => name !== '')

/** A member that the value has itself: `constructor` is not one. */
function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return Reflect.get(value, name)
}
