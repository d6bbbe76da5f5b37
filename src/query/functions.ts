import type { AggregateName, TextTestName, ValueType } from './ast.ts'

/** What a function of the language does. All of them answer a Boolean. */
export type FunctionRule =
  | { readonly kind: 'typeTest'; readonly types: readonly ValueType[]; readonly pathOnly: boolean }
  | { readonly kind: 'textTest'; readonly test: TextTestName }

const typeTest = (...types: ValueType[]): FunctionRule => ({ kind: 'typeTest', types, pathOnly: false })
const textTest = (test: TextTestName): FunctionRule => ({ kind: 'textTest', test })

/**
 * The functions by their name in upper case. IS_DEFINED, STARTSWITH and ENDSWITH are those that Azure IoT Hub takes in
 * twin queries and jobs; the others it knows in message routing only.
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

/** Those of them that Azure IoT Hub takes in twin queries and jobs: all that is left in strict mode. */
export const strictFunctions: ReadonlySet<string> = new Set(['IS_DEFINED', 'STARTSWITH', 'ENDSWITH'])

/**
 * Functions that make one value of many rows, by their name in upper case: legal in a SELECT list, never in a condition.
 */
export const aggregates: ReadonlyMap<string, AggregateName> = new Map([
  ['COUNT', 'count'],
  ['AVG', 'avg'],
  ['SUM', 'sum'],
  ['MIN', 'min'],
  ['MAX', 'max'],
])
