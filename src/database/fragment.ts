import { Sql } from '@prisma/client/runtime/client'
import type { BoundedReader } from './bounded-read.ts'

/** What `query` compiles: the halves of a tagged template, over `d` (device) and `t` (twin) unless said otherwise. */
export type CompiledCondition = { readonly strings: readonly string[]; readonly values: readonly unknown[] }

/**
 * A condition inside a statement, which is to run on this reader: there is no other way to put one in, so that none runs
 * without a limit of time.
 */
export const fragment = (_db: BoundedReader, { strings, values }: CompiledCondition): Sql => new Sql(strings, values)
