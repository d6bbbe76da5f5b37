import type { Scope } from '../scope.ts'

/** A read for a loader whose rows are the same for every scope. */
export const withoutScope =
  <Db, Asked extends readonly unknown[], Rows>(find: (db: Db, ...asked: Asked) => Rows) =>
  (db: Db, _scope: Scope, ...asked: Asked): Rows =>
    find(db, ...asked)
