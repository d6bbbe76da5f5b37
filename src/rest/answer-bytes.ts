import type { Limits } from '../limits/limits.ts'
import { maxTwinBytes } from '../twin/size-limit.ts'
import type { Route } from './route.ts'
import type { SchemaName } from './schemas.ts'

/**
 * The bytes of answers with documents, by schema; undefined for small answers, and for the answer of a device, which
 * has arrived already and must not be refused. Every schema is listed, so a new one cannot be forgotten.
 */
const bytesBySchema: Readonly<Record<SchemaName, ((limits: Limits) => number) | undefined>> = {
  Device: undefined,
  Devices: ({ pageBytes }) => pageBytes,
  BulkRequest: undefined,
  BulkResult: undefined,
  DeviceStatistics: undefined,
  ServiceStatistics: undefined,
  Twin: maxTwinBytes,
  MethodCall: undefined,
  MethodResponse: undefined,
  JobRequest: undefined,
  // Its operation is a call with a payload, or a patch.
  Job: ({ twinBytes }) => 2 * twinBytes,
  Jobs: ({ pageBytes }) => pageBytes,
  Query: undefined,
  Rows: ({ pageBytes }) => pageBytes,
  Error: undefined,
}

/**
 * The bytes for which an answer of the route needs room, before its data is read or changed. Undefined: it needs none.
 */
export function answerBytesOf({ answer: { schema } }: Pick<Route, 'answer'>, limits: Limits): number | undefined {
  return schema && bytesBySchema[schema]?.(limits)
}
