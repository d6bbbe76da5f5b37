import { GraphQLError } from 'graphql'
import { describe, expect, test } from 'vitest'
import { maxLines } from '../../../src/graphql/limits.ts'
import { schema } from '../../../src/graphql/schema.ts'
import { createDocuments } from '../../../src/graphql/transport/documents.ts'
import { longRequestBytes } from '../../../src/limits/long-turns.ts'

const documents = createDocuments(schema)
const request = { spec: true, status: 400 }

test('a document is parsed and validated once for all its uses', () => {
  const text = '{ nothing }'
  const document = documents.parse(text)
  const errors = documents.validate(document)
  expect(documents.parse(text)).toBe(document)
  expect(documents.validate(document)).toBe(errors)
  expect(errors).toMatchObject([{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED', http: request } }])
})

test('a limit of a document keeps its code', () => {
  const errors = documents.validate(documents.parse(`{ ${'jobs { nodes { '.repeat(8)} jobId ${'} }'.repeat(8)} }`))
  const limits = errors.filter(({ extensions }) => extensions.limit === 'depth')
  expect(limits).toMatchObject([{ extensions: { code: 'LIMIT_EXCEEDED', http: request } }])
})

test.each([['{'], ['{'.repeat(1500)], ['{ a '.repeat(1100)], [''], [`{ ${'a '.repeat(3000)} }`]])(
  'a text that is no document has a code and a status: %.20s',
  (text) => {
    const parse = () => documents.parse(text)
    expect(parse).toThrow(GraphQLError)
    expect(parse).toThrow(
      expect.objectContaining({ extensions: expect.objectContaining({ code: 'GRAPHQL_PARSE_FAILED', http: request }) }),
    )
  },
)

test.each([['\n'], ['#\n'], ['#\r'], ['#\r\n']])(
  'a document of too many lines is refused before it is parsed: %j',
  (line) => {
    const asFar = (lines: number) => () => documents.parse(`${line.repeat(lines - 1)}{ ping`)
    const extensions = {
      code: 'LIMIT_EXCEEDED',
      limit: 'lines',
      maximum: maxLines,
      actual: maxLines + 1,
      http: request,
    }
    expect(asFar(maxLines + 1)).toThrow(expect.objectContaining({ extensions }))
    expect(asFar(maxLines)).toThrow(/Expected Name, found <EOF>/)
  },
)

test('a document that is too long is refused before it is parsed, by its bytes', () => {
  const bounded = createDocuments(schema, { documentBytes: 1_000 })
  const ofBytes = (bytes: number) => () => bounded.parse(`#${'é'.repeat((bytes - 5) / 2)}\n{ a`)
  const extensions = { code: 'LIMIT_EXCEEDED', limit: 'documentBytes', maximum: 1_000, actual: 1_001, http: request }
  expect(ofBytes(1_001)).toThrow(expect.objectContaining({ extensions }))
  expect(ofBytes(999)).toThrow(/Expected Name, found <EOF>/)
})

test('comments are not kept with a document, and what follows them keeps its place', () => {
  const document = documents.parse('# one\n#two\r# "three\n{ # four {\n  missing#five\n}')
  const tokens = []
  for (let token = document.loc?.startToken.next; token; token = token.next) tokens.push(token.kind)
  expect(tokens).toEqual(['{', 'Name', '}', '<EOF>'])
  expect(documents.validate(document)).toMatchObject([{ locations: [{ line: 5, column: 3 }] }])
})

test.each([
  ['"#a"', '#a'],
  ['"a\\"#"', 'a"#'],
  ['"\\\\" # "', '\\'],
  ['"""#a\n"""', '#a'],
  ['"""a\\"""#\nb"""', 'a"""#\nb'],
  ['"" # "', ''],
  ['""""""#', ''],
])('a string with the sign of a comment is kept: %s', (text, value) => {
  expect(documents.parse(`{ a(b: ${text}\n) }`)).toMatchObject({
    definitions: [{ selectionSet: { selections: [{ arguments: [{ value: { value } }] }] } }],
  })
})

test.each([['{ a(b: "#'], ['{ a(b: "#\n") }'], ['{ a(b: """#'], ['{ a(b: "\\']])(
  'a string without an end is refused: %j',
  (text) => {
    expect(() => documents.parse(text)).toThrow(/Unterminated string|Invalid character escape/)
  },
)

test('a document has a bounded number of reasons why it is not valid', () => {
  const names = Array.from({ length: 600 }, (_, index) => `unknown${index}`)
  expect(documents.validate(documents.parse(`{ ${names.join(' ')} }`))).toHaveLength(6)
})

test.each([['{ # }'], ['{ __typename } fragment Unused on Query { # }']])(
  'fields under more names than allowed are not compared with each other: %s',
  (text) => {
    const fields = Array.from({ length: 600 }, (_, index) => `same: unknown${index}`)
    const errors = documents.validate(documents.parse(text.replace('#', fields.join(' '))))
    expect(errors).toMatchObject([{ extensions: { limit: 'aliases', actual: 600 } }])
  },
)

describe('in turns', () => {
  const long = (field: string): string =>
    `{ ${Array.from({ length: 20 }, () => '__typename').join(' ')} ${field} ${' '.repeat(longRequestBytes)} }`
  /** The reasons, and how many turns were taken. */
  const validateInTurns = async (text: string, given = Number.POSITIVE_INFINITY) => {
    let turns = 0
    const take = async <T>(work: () => T) => (turns++ < given ? work() : undefined)
    const document = documents.parse(text)
    const errors = await documents.validateInTurns(document, take)
    return { errors, turns, document }
  }

  test('a long document is validated a few rules at a time, and a short one at once', async () => {
    const { errors, turns, document } = await validateInTurns(long(''))
    expect(errors).toEqual([])
    expect(turns).toBeGreaterThan(3)
    expect(documents.validate(document)).toBe(errors)
    expect(await validateInTurns(long(''))).toMatchObject({ errors: [], turns: 0 })
    expect(await validateInTurns('{ other: __typename }')).toMatchObject({ errors: [], turns: 1 })
  })

  test.each([
    ['of any rule', 'nothing jobs(first: "a") ...Unknown @include'],
    ['of the limits of its shape', `${'jobs { nodes { '.repeat(8)} jobId ${'} }'.repeat(8)}`],
  ])('a long document has the same reasons as at once: %s', async (_, field) => {
    const { errors } = await validateInTurns(long(field))
    const atOnce = createDocuments(schema)
    expect(errors).toHaveLength(atOnce.validate(atOnce.parse(long(field))).length)
    expect(errors?.map(String)).toEqual(atOnce.validate(atOnce.parse(long(field))).map(String))
  })

  test('a validation that is given up leaves it unknown whether the document is valid', async () => {
    const text = long('nothing2')
    expect((await validateInTurns(text, 2)).errors).toBeUndefined()
    expect((await validateInTurns(text)).errors).toHaveLength(1)
  })
})

test('an operation is executed by the plan of its document', async () => {
  const document = documents.parse('query A { a: __typename } query B { b: __typename }')
  const execute = (operationName: string) => documents.execute({ schema, document, operationName, contextValue: {} })
  expect(JSON.stringify([await execute('A'), await execute('B')])).toBe(
    '[{"data":{"a":"Query"}},{"data":{"b":"Query"}}]',
  )
})
