import { limitTable } from '../limits/limits.ts'

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject

/** A JSON object. */
export interface JsonObject {
  readonly [key: string]: Json
}

/**
 * Objects and arrays in one another that are printed at most. Printing takes stack for each level, and no hub takes more
 * in, however its limit is set; only a row that an older version or another program wrote can hold more.
 */
export const maxPrintedDepth = limitTable.jsonDepth.max

/** Levels that a request may have around a JSON value that a client sends in it. */
export const envelopeDepth = 8

/** Whether objects and arrays lie in one another more than `depth` times. Looks no deeper than that. */
export function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (depth === 0) return true
  for (const member of Object.values(value)) if (isDeeper(member, depth - 1)) return true
  return false
}
