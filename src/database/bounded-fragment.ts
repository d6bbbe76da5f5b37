import { Sql } from '@prisma/client/runtime/client'
import type { Fragment } from '../sql-fragment.ts'
import type { BoundedReader } from './bounded-read.ts'

/**
 * A client's condition or expression inside a statement that will run on this reader. There is no other way to include
 * one, so none runs without a time limit.
 */
export const boundedFragment = (_db: BoundedReader, { strings, values }: Fragment): Sql => new Sql(strings, values)
