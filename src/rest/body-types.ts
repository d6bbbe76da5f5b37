// Bodies and the JSON types of their schemas. Pure: values in, values out.

import { InvalidInputError } from '../errors.ts'
import { type JsonType, type Schema, type SchemaName, schemaAt, schemas } from './schemas.ts'

/** The position of a value in a body. */
type Path = readonly (string | number)[]

/**
 * The body of a request with each member in the JSON type of the schema. The whole body is checked before anything is
 * done. `null` counts as left out; members that the schema does not have, or that only the hub writes, are ignored. A
 * whole number or a boolean may be sent as text, as in IoT Hub (the Azure CLI sends `"responseTimeoutInSeconds":
 * "30"`), and is converted. Further rules are those of the operation. InvalidInputError with the path of the first
 * member of another type.
 */
export function typedBody(body: unknown, schema: SchemaName): unknown {
  return typed(body, schemas[schema], [])
}

function typed(value: unknown, schema: Schema, path: Path): unknown {
  if (value === undefined || value === null || schema.readOnly) return value
  if (schema.$ref !== undefined) return typed(value, schemaAt(schema.$ref), path)
  const types = [schema.type ?? []].flat()
  const [first] = types
  if (first === undefined) return value
  for (const type of types) {
    const read = readers[type](value, schema, path)
    if (read !== undefined) return read
  }
  throw new InvalidInputError(path.map(String), `${nameOf(path)} ${faults[schema.format ?? first]}.`)
}

/** The value if it has the type, or is text for a value of the type; otherwise undefined. */
const readers: Readonly<Record<JsonType, (value: unknown, schema: Schema, path: Path) => unknown>> = {
  object: (value, { properties }, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    // A section of a twin may have thousands of members.
    if (properties === undefined) return value
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => {
        const schema = Object.hasOwn(properties, name) ? properties[name] : undefined
        return [name, schema === undefined ? member : typed(member, schema, [...path, name])]
      }),
    )
  },
  array: (value, { items = {} }, path) =>
    Array.isArray(value) ? value.map((item: unknown, index) => typed(item, items, [...path, index])) : undefined,
  string: (value) => (typeof value === 'string' ? value : undefined),
  integer: (value) => {
    if (typeof value === 'number') return value // the operation knows the bounds, and refuses fractions
    return typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : undefined
  },
  boolean: (value) => {
    if (typeof value === 'boolean') return value
    return typeof value === 'string' && /^(?:true|false)$/i.test(value) ? value.toLowerCase() === 'true' : undefined
  },
  null: () => undefined,
}

/** The fault of a value of another type, by the expected type or format. */
const faults: Readonly<Record<JsonType | 'date-time', string>> = {
  object: 'must be an object',
  array: 'must be an array',
  string: 'must be a string',
  integer: 'must be a whole number',
  boolean: 'must be true or false',
  null: 'must be null',
  'date-time': 'must be a time such as 2024-05-01T10:00:00Z',
}

/** `[0].importMode`; the body as a whole when the path is empty. */
function nameOf(path: Path): string {
  const name = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('')
  return name === '' ? 'The body' : name.replace(/^\./, '')
}
