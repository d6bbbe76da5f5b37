import { limitTable } from '../limits/limits.ts'

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject

/** A JSON object. */
export interface JsonObject {
  readonly [key: string]: Json
}

/** The members of a value from outside; none when it is no object. */
export const membersOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}

/**
 * Maximum depth of objects and arrays that are printed. Printing takes stack for each level. No hub accepts more,
 * however its limit is set; only a row that an older version or another program wrote can contain more.
 */
export const maxPrintedDepth = limitTable.jsonDepth.max

/** Levels that a request may have around a JSON value that a client sends in it. */
export const envelopeDepth = 8

/** Whether objects and arrays are nested deeper than `depth`. Looks no deeper than that. */
export function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (depth === 0) return true
  for (const member of Object.values(value)) if (isDeeper(member, depth - 1)) return true
  return false
}
