import { Sql } from '@prisma/client/runtime/client'
import type { BoundedReader } from './bounded-read.ts'

/** The output of `query`: the halves of a tagged template, over `d` (device) and `t` (twin) unless stated otherwise. */
export type CompiledCondition = { readonly strings: readonly string[]; readonly values: readonly unknown[] }

/**
 * A condition inside a statement that will run on this reader. There is no other way to include a condition, so none
 * runs without a time limit.
 */
export const fragment = (_db: BoundedReader, { strings, values }: CompiledCondition): Sql => new Sql(strings, values)
