import type { AggregateName, TextTestName, ValueType } from './ast.ts'

/** The kind of a function of the language. All functions return a Boolean. */
export type FunctionRule =
  | { readonly kind: 'typeTest'; readonly types: readonly ValueType[]; readonly pathOnly: boolean }
  | { readonly kind: 'textTest'; readonly test: TextTestName }

const typeTest = (...types: ValueType[]): FunctionRule => ({ kind: 'typeTest', types, pathOnly: false })
const textTest = (test: TextTestName): FunctionRule => ({ kind: 'textTest', test })

/**
 * The functions by their name in upper case. Azure IoT Hub accepts IS_DEFINED, STARTSWITH and ENDSWITH in twin queries
 * and jobs; it has the others in message routing only.
 */
export const functions: ReadonlyMap<string, FunctionRule> = new Map([
  [
    'IS_DEFINED',
    { kind: 'typeTest', types: ['null', 'boolean', 'number', 'string', 'object', 'array'], pathOnly: true },
  ],
  ['IS_NULL', typeTest('null')],
  ['IS_BOOL', typeTest('boolean')],
  ['IS_NUMBER', typeTest('number')],
  ['IS_STRING', typeTest('string')],
  ['IS_OBJECT', typeTest('object')],
  ['IS_ARRAY', typeTest('array')],
  ['IS_PRIMITIVE', typeTest('null', 'boolean', 'number', 'string')],
  ['STARTSWITH', textTest('startsWith')],
  ['STARTS_WITH', textTest('startsWith')],
  ['ENDSWITH', textTest('endsWith')],
  ['ENDS_WITH', textTest('endsWith')],
  ['CONTAINS', textTest('contains')],
])

/** The functions that Azure IoT Hub accepts in twin queries and jobs: the only ones in strict mode. */
export const strictFunctions: ReadonlySet<string> = new Set(['IS_DEFINED', 'STARTSWITH', 'ENDSWITH'])

/** Functions over many rows, by their name in upper case: allowed in a SELECT list, never in a condition. */
export const aggregates: ReadonlyMap<string, AggregateName> = new Map([
  ['COUNT', 'count'],
  ['AVG', 'avg'],
  ['SUM', 'sum'],
  ['MIN', 'min'],
  ['MAX', 'max'],
])
