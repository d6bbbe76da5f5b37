// Parts of pg that @types/pg lacks. Queries of one's own need them, as pg-cursor does.

declare module 'pg/lib/utils.js' {
  /** A value as a parameter of a statement. */
  export function prepareValue(value: unknown): string | Buffer | null
}

declare module 'pg/lib/result.js' {
  import type { CustomTypesConfig, FieldDef } from 'pg'
  /** Reads the rows of a statement. */
  export default class Result {
    constructor(rowMode: undefined, types: CustomTypesConfig)
    addFields(columns: readonly FieldDef[]): void
    parseRow<Row>(values: readonly (string | null)[]): Row
  }
}
