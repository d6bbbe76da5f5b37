import { raw, type Sql, sqltag as sql } from '@prisma/client/runtime/client'

/**
 * JSON documents of one statement, each text once, as one value: a JSON array. Rows name a document by its place. In an array
 * of texts every quote would be escaped, which takes longer than everything else that the hub does with a large document,
 * and documents that rows share would be repeated.
 */
export class DocumentsOnce {
  readonly #places = new Map<string, number>()
  /** The place of a document, whose text must be JSON. */
  placeOf(text: string): number {
    const known = this.#places.get(text)
    if (known !== undefined) return known
    const place = this.#places.size
    this.#places.set(text, place)
    return place
  }
  /** The documents for the WITH clause of the statement. */
  table(): Sql {
    return sql`documents as materialized (select ${`[${[...this.#places.keys()].join(',')}]`}::jsonb as list)`
  }
}

/** The document at the place in this column. The array is read once per statement. */
export const documentAt = (column: string): Sql => sql`((select list from documents) -> ${raw(column)})`
