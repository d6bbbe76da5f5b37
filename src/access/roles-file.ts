import { DomainError, QueryConditionError } from '../errors.ts'
import { bareCondition } from '../query/bare-condition.ts'
import { narrowCondition } from '../query/narrow-condition.ts'
import { scopeOf } from '../query/scope.ts'
import { isRight, type Right, rights } from './rights.ts'
import { builtInTable, type Role, type RoleTable } from './roles.ts'

/** The file of roles has mistakes: all of them, each with its place. */
export class RolesFileError extends Error {
  override readonly name = 'RolesFileError'
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(`The roles are not valid:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`)
    this.problems = problems
  }
}

/** Roles that a file may have. */
export const maxRoles = 1_000

/** A role as the file has it. */
type Entry = {
  readonly extends: readonly string[]
  readonly rights: readonly Right[]
  /** Undefined for all devices. */
  readonly devices: string | undefined
}

const memberNames: readonly string[] = ['extends', 'devices', 'rights']

/**
 * Parses the text of ROLES_FILE: an object with roles by their names, each
 * `{ "extends": "operator", "devices": "tags.site = 'north'", "rights": ["auditRead"] }`. A role has its own rights and
 * those of the roles that it extends. Its devices meet its own condition and those of the roles that it extends.
 * Returns these roles and the built-in ones. RolesFileError.
 */
export function parseRoles(text: string): RoleTable {
  const problems: string[] = []
  const entries = entriesIn(text, problems)
  const table = new Map(builtInTable)
  for (const name of entries.keys()) {
    const problem = entries.get(name)?.extends.flatMap((base) => {
      if (!builtInTable.has(base) && !entries.has(base)) return [`${name}.extends: There is no role "${base}".`]
      return []
    })
    problems.push(...(problem ?? []))
    const circle = circleFrom(entries, name)
    if (circle !== undefined) problems.push(`${name}.extends: The role extends itself: ${circle.join(' → ')}.`)
  }
  if (problems.length > 0) throw new RolesFileError(problems)
  for (const name of entries.keys()) {
    const role = roleOf(entries, name)
    if (typeof role === 'string') problems.push(`${name}.devices: ${role}`)
    else table.set(name, role)
  }
  if (problems.length > 0) throw new RolesFileError(problems)
  return table
}

/** The roles of the file; what is wrong with each is added to `problems`. */
function entriesIn(text: string, problems: string[]): ReadonlyMap<string, Entry> {
  const entries = new Map<string, Entry>()
  let file: unknown
  try {
    file = JSON.parse(text)
  } catch (error) {
    problems.push(`The file must contain JSON: ${error instanceof Error ? error.message : error}`)
    return entries
  }
  if (typeof file !== 'object' || file === null || Array.isArray(file)) {
    problems.push('The file must contain an object with roles by their names.')
    return entries
  }
  const members = Object.entries(file)
  if (members.length > maxRoles) {
    problems.push(`The file has ${members.length} roles. At most ${maxRoles} are allowed.`)
    return entries
  }
  for (const [name, value] of members) {
    if (!/^[^\s\p{C}](?:[^\p{C}]{0,126}[^\s\p{C}])?$/u.test(name)) {
      problems.push(`${JSON.stringify(name)}: A role name must have 1 to 128 characters, without control characters.`)
    } else if (builtInTable.has(name)) {
      problems.push(`${name}: This role is built in and cannot be changed. Use another name that extends it.`)
    }
    entries.set(name, entryOf(name, value, problems))
  }
  return entries
}

function entryOf(name: string, value: unknown, problems: string[]): Entry {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    problems.push(`${name}: A role must be an object.`)
    return { extends: [], rights: [], devices: undefined }
  }
  const members = new Map<string, unknown>(Object.entries(value))
  for (const member of members.keys()) {
    if (!memberNames.includes(member)) {
      problems.push(`${name}.${member}: This member is unknown. A role may have ${memberNames.join(', ')}.`)
    }
  }
  return {
    extends: basesIn(name, members.get('extends'), problems),
    rights: rightsIn(name, members.get('rights'), problems),
    devices: devicesIn(name, members.get('devices'), problems),
  }
}

function basesIn(name: string, value: unknown, problems: string[]): readonly string[] {
  const bases: unknown[] = Array.isArray(value) ? value : value === undefined ? [] : [value]
  const names = bases.filter((base) => typeof base === 'string')
  if (names.length < bases.length) problems.push(`${name}.extends: It must be the name of a role, or a list of names.`)
  return names
}

function rightsIn(name: string, value: unknown, problems: string[]): readonly Right[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) {
    problems.push(`${name}.rights: It must be a list of rights.`)
    return []
  }
  const found = rights.filter((right) => value.includes(right))
  for (const right of value) {
    if (!isRight(right)) {
      problems.push(`${name}.rights: ${JSON.stringify(right)} is not a right. Rights are ${rights.join(', ')}.`)
    }
  }
  return found
}

function devicesIn(name: string, value: unknown, problems: string[]): string | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string') {
    problems.push(`${name}.devices: It must be a condition, such as "tags.site = 'north'".`)
    return undefined
  }
  try {
    scopeOf([value])
    return bareCondition(value)
  } catch (error) {
    problems.push(`${name}.devices: ${reasonIn(error)}`)
    return undefined
  }
}

/** The role with all that it inherits, or the reason why its condition is not possible. */
function roleOf(entries: ReadonlyMap<string, Entry>, name: string): Role | string {
  const granted = new Set<Right>()
  const conditions = new Set<string>()
  const seen = new Set<string>()
  const add = (role: string): void => {
    if (seen.has(role)) return
    seen.add(role)
    const entry = entries.get(role)
    for (const right of entry?.rights ?? builtInTable.get(role)?.rights ?? []) granted.add(right)
    if (entry?.devices !== undefined) conditions.add(entry.devices)
    for (const base of entry?.extends ?? []) add(base)
  }
  add(name)
  try {
    return { rights: granted, condition: [...conditions].reduce(narrowCondition, '*') }
  } catch (error) {
    return reasonIn(error)
  }
}

/** The names on the way from a role back to itself, the role at both ends; undefined if it does not extend itself. */
function circleFrom(entries: ReadonlyMap<string, Entry>, name: string): readonly string[] | undefined {
  const seen = new Set<string>()
  const walk = (role: string, path: readonly string[]): readonly string[] | undefined => {
    for (const base of entries.get(role)?.extends ?? []) {
      if (base === name) return [...path, name]
      if (seen.has(base)) continue
      seen.add(base)
      const circle = walk(base, [...path, base])
      if (circle !== undefined) return circle
    }
    return undefined
  }
  return walk(name, [name])
}

function reasonIn(error: unknown): string {
  if (error instanceof QueryConditionError || error instanceof DomainError) return error.message
  throw error
}
