import type { Route } from './route.ts'
import type { SchemaName } from './schemas.ts'

/** The schemas of answers with the keys of devices. */
const schemas: ReadonlySet<SchemaName | undefined> = new Set(['Device', 'Devices'])

/**
 * Whether the answer of the route has keys of devices. It must not be compressed: its length could reveal parts of a key
 * to an attacker who controls other values in it, such as the status reason.
 */
export const hasKeys = ({ answer: { schema } }: Pick<Route, 'answer'>): boolean => schemas.has(schema)
