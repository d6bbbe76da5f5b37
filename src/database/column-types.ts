import pg from 'pg'
import { waitingText } from '../json/json-text.ts'
import { readTimestamp } from './timestamps.ts'

type Types = NonNullable<pg.PoolConfig['types']>

const { TIMESTAMPTZ, VARCHAR } = pg.types.builtins

/**
 * pg's parsers of column values, with a faster one for times. Columns of the tables have the type `text`. A statement selects
 * a document as `varchar` to get it as `JsonText`: each is converted when its row arrives, before there are many of them.
 */
export const columnTypes: Types = {
  getTypeParser(type, format) {
    if (format === 'binary') return pg.types.getTypeParser(type, format)
    if (type === TIMESTAMPTZ) return readTimestamp
    return type === VARCHAR ? waitingText : pg.types.getTypeParser(type, format)
  },
}
