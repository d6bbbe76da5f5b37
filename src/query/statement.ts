//   statement   = SELECT [ TOP integer ] ( '*' | item { ',' item } ) FROM collection [ WHERE condition ]
//                 [ GROUP BY path ]
//   item        = ( path | aggregate ) [ AS segment ]
//   aggregate   = COUNT '(' [ '*' | path ] ')' | ( AVG | SUM | MIN | MAX ) '(' path ')'
//   collection  = DEVICES | DEVICES.MODULES | DEVICES.JOBS
//
// What conditions, paths and segments are stands in expression.ts.

import type { Aggregate, CollectionName, Path, SelectItem, Statement } from './ast.ts'
import { expressionParser, type ParseOptions } from './expression.ts'
import { deviceFields, deviceJobFields } from './fields.ts'
import { aggregates } from './function-signatures.ts'
import { maxItems } from './limits.ts'
import { refuseBareWords } from './refuse-bare-words.ts'
import { fail, readTokens } from './token-reader.ts'

const collections: readonly CollectionName[] = ['devices', 'devices.modules', 'devices.jobs']

/**
 * Parses a whole SELECT. In strict mode device jobs can only be selected whole, as in Azure IoT Hub.
 * @throws QueryConditionError with line and column when the text does not parse, exceeds a limit, or selects something
 * that its collection does not have.
 */
export function parseStatement(text: string, options: ParseOptions = {}): Statement {
  const reader = readTokens(text, 'statement')
  const { peek, skip, word, symbol, takeWord, takeSymbol, expectSymbol, expectEnd, unexpected } = reader
  const { parseWhere, parsePath, parseSegment } = expressionParser(reader, options)

  const expectWord = (wanted: string): void => {
    if (!takeWord(wanted)) unexpected(`expected ${wanted.toUpperCase()}`)
  }

  const parseTop = (): number => {
    const token = peek()
    if (token.kind !== 'number' || !/^\d+$/.test(token.text)) return unexpected('TOP requires a whole number')
    skip()
    return token.value
  }

  const parseAlias = (): string | undefined => (takeWord('as') ? parseSegment('unexpected') : undefined)

  const parseArgument = (name: string, isCount: boolean): Path | undefined => {
    if (isCount && (symbol() === ')' || takeSymbol('*'))) return undefined
    return symbol() === ')' ? unexpected(`${name} takes a path`) : parsePath()
  }

  const parseItem = (): SelectItem => {
    const token = peek()
    const { position } = token
    const next = peek(1)
    if (token.kind !== 'name' || next.kind !== 'symbol' || next.text !== '(') {
      const path = parsePath()
      return { kind: 'projection', path, alias: parseAlias(), position }
    }
    const name = aggregates.get(token.text.toUpperCase())
    if (name === undefined)
      return fail(`${token.text} cannot be selected; allowed: paths and ${[...aggregates.keys()].join(', ')}`, position)
    skip()
    skip()
    const path = parseArgument(token.text, name === 'count')
    expectSymbol(')')
    return { kind: 'aggregate', name, path, alias: parseAlias(), position }
  }

  const parseItems = (): readonly SelectItem[] => {
    const items: SelectItem[] = []
    do {
      if (items.length === maxItems) fail(`too many results; at most ${maxItems} can be selected`, peek().position)
      items.push(parseItem())
    } while (takeSymbol(','))
    return items
  }

  const parseCollection = (): CollectionName => {
    const { position, segments } = parsePath()
    const source = segments.join('.').toLowerCase()
    return (
      collections.find((name) => name === source) ??
      fail(`unknown collection '${source}'; known collections: ${collections.join(', ')}`, position)
    )
  }

  const parseGroupBy = (): Path => {
    expectWord('by')
    return parsePath()
  }

  expectWord('select')
  const top = takeWord('top') ? parseTop() : undefined
  const items = takeSymbol('*') ? undefined : parseItems()
  expectWord('from')
  const collection = parseCollection()
  const hasWhere = takeWord('where')
  if (hasWhere && symbol() === '*') unexpected('omit WHERE to select all rows')
  const condition = hasWhere ? parseWhere() : ({ kind: 'all' } as const)
  const groupBy = takeWord('group') ? parseGroupBy() : undefined
  if (word() === 'order') unexpected('ORDER BY is not supported')
  expectEnd()
  refuseBareWords(condition, collection === 'devices.jobs' ? deviceJobFields : deviceFields)

  const statement = { top, items, collection, condition, groupBy }
  if (collection === 'devices.jobs') checkDeviceJobs(statement, options)
  checkShape(statement)
  return statement
}

const isAggregate = (item: SelectItem): item is Aggregate => item.kind === 'aggregate'

function checkDeviceJobs({ items = [], groupBy }: Statement, { strict = false }: ParseOptions): void {
  const [first] = items
  if (strict && first !== undefined) fail('only * can be selected from devices.jobs in strict mode', first.position)
  const aggregate = items.find(isAggregate)
  if (aggregate !== undefined) fail('devices.jobs cannot be aggregated', aggregate.position)
  if (groupBy !== undefined) fail('devices.jobs cannot be grouped', groupBy.position)
}

/** Refuses items that cannot form one row of results. */
function checkShape({ items, groupBy }: Statement): void {
  if (groupBy !== undefined) {
    if (items === undefined) fail('GROUP BY requires a list of results instead of *', groupBy.position)
    return
  }
  const lone = items?.some(isAggregate) ? items.find((item) => !isAggregate(item)) : undefined
  if (lone !== undefined) fail('a path next to an aggregate requires GROUP BY', lone.position)
}
