import { InvalidInputError } from '../errors.ts'
import { defaultPolicies, type Policy } from './policy.ts'
import { type PolicyRight, policyRights } from './rights.ts'

/** Maximum number of policies in a hub (IoT Hub). */
export const maxPolicies = 16

/** The policies as the text of `policies.json`, for its owner to read and change. */
export function printPolicies(policies: readonly Policy[]): string {
  const entries = policies.map(({ name, rights, primaryKey, secondaryKey }) => ({
    name,
    rights: policyRights.filter((right) => rights.has(right)),
    primaryKey,
    secondaryKey,
  }))
  return `${JSON.stringify(entries, null, 2)}\n`
}

/**
 * Parses the text of `policies.json`: `[{ name, rights, primaryKey, secondaryKey }]`. InvalidInputError names the entry
 * and the member, and quotes no key.
 */
export function parsePolicies(text: string): Policy[] {
  const entries = parseJson(text)
  if (!Array.isArray(entries)) throw new InvalidInputError([], 'The file must contain a list of policies.')
  if (entries.length > maxPolicies) {
    throw new InvalidInputError([], `The file has ${entries.length} policies. At most ${maxPolicies} are allowed.`)
  }
  const policies = entries.map((entry: unknown, index) => parsePolicy(entry, String(index)))
  const names = new Set<string>()
  for (const [index, { name }] of policies.entries()) {
    if (names.has(name)) throw new InvalidInputError([String(index), 'name'], `The policy "${name}" occurs twice.`)
    names.add(name)
  }
  const missing = defaultPolicies.find(({ name }) => !names.has(name))
  if (missing) throw new InvalidInputError([], `The policy "${missing.name}" is missing. Every hub must have it.`)
  return policies
}

function parsePolicy(entry: unknown, index: string): Policy {
  if (typeof entry !== 'object' || entry === null) throw new InvalidInputError([index], 'A policy must be an object.')
  const members = new Map<string, unknown>(Object.entries(entry))
  const name = members.get('name')
  if (typeof name !== 'string' || !/^[A-Za-z0-9_-]{1,64}$/.test(name)) {
    throw new InvalidInputError(
      [index, 'name'],
      'A policy name must consist of 1 to 64 letters, digits, dashes and underscores.',
    )
  }
  const rights = parseRights(members.get('rights'), [index, 'rights'])
  const standard = defaultPolicies.find((policy) => policy.name === name)
  if (standard && !(standard.rights.size === rights.size && [...rights].every((right) => standard.rights.has(right)))) {
    throw new InvalidInputError(
      [index, 'rights'],
      `The rights of "${name}" cannot be changed. They must be ${[...standard.rights].join(', ')}.`,
    )
  }
  return {
    name,
    rights,
    primaryKey: parseKey(members.get('primaryKey'), [index, 'primaryKey']),
    secondaryKey: parseKey(members.get('secondaryKey'), [index, 'secondaryKey']),
  }
}

function parseRights(value: unknown, path: readonly string[]): Set<PolicyRight> {
  const rights = Array.isArray(value) ? policyRights.filter((right) => value.includes(right)) : []
  if (!Array.isArray(value) || rights.length === 0 || rights.length !== value.length) {
    throw new InvalidInputError(
      path,
      `The rights must be a list of one or more of ${policyRights.join(', ')}, each at most once.`,
    )
  }
  return new Set(rights)
}

function parseKey(value: unknown, path: readonly string[]): string {
  if (typeof value === 'string') {
    const bytes = Buffer.from(value, 'base64')
    if (bytes.length >= 16 && bytes.length <= 64 && bytes.toString('base64') === value) return value
  }
  throw new InvalidInputError(path, 'A key must be 16 to 64 bytes in base64.')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new InvalidInputError([], 'The file must contain JSON.')
  }
}
