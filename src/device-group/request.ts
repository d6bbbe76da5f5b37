import { InvalidInputError } from '../errors.ts'
import { checkDescription } from '../job/naming.ts'
import { parseCondition } from '../query/parser.ts'

/** A device group, as people define it. */
export type DeviceGroup = {
  readonly name: string
  readonly queryCondition: string
  readonly description: string | null
}

/** What a client sends. */
export type DeviceGroupInput = {
  readonly name: unknown
  readonly queryCondition: unknown
  readonly description?: unknown
}

/** A name that conditions can have without escapes. InvalidInputError. */
function checkGroupName(value: unknown): string {
  if (typeof value === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(value)) return value
  throw new InvalidInputError(
    ['name'],
    'The name of a device group must consist of 1 to 64 ASCII letters, digits, dots, dashes and underscores.',
  )
}

/** The group, as it is stored. InvalidInputError; QueryConditionError, also for a condition that names a group. */
export function checkDeviceGroup({ name, queryCondition, description }: DeviceGroupInput): DeviceGroup {
  const checked = { name: checkGroupName(name), description: checkDescription(description) }
  if (typeof queryCondition !== 'string') {
    throw new InvalidInputError(['queryCondition'], 'A query condition must be a string.')
  }
  parseCondition(queryCondition)
  return { ...checked, queryCondition }
}
