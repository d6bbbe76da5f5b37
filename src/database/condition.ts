import { Sql } from '@prisma/client/runtime/client'

/** What `query` compiles: the halves of a tagged template, over `d` (device) and `t` (twin) unless said otherwise. */
export type CompiledCondition = { readonly strings: readonly string[]; readonly values: readonly unknown[] }

/** A condition inside a statement. */
export const fragment = ({ strings, values }: CompiledCondition): Sql => new Sql(strings, values)
