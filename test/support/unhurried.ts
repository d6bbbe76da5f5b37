import type { BoundedReader } from '../../src/database/bounded-read.ts'
import type { Reader } from '../../src/database/reader.ts'

/** For tests of stores, which ask for no more than is there: a reader that has all the time it needs. */
export const unhurried = <Db extends Reader>(db: Db): Db & BoundedReader => db as Db & BoundedReader
