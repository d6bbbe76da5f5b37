import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'graphql'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { schema } from '../../../src/graphql/schema.ts'
import { createTrustedDocuments, type TrustedDocuments } from '../../../src/graphql/transport/trusted-documents.ts'
import { createMetrics } from '../../../src/metrics/metrics.ts'
import { createTestClock } from '../../support/clock.ts'

let folder: string
let trusted: TrustedDocuments | undefined
const logged: { msg: string; err?: { message: string } }[] = []
const log = pino({ level: 'warn' }, { write: (line: string) => logged.push(JSON.parse(line)) })
const metrics = createMetrics()

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trusted-'))
  logged.length = 0
})
afterEach(async () => {
  trusted?.close()
  await rm(folder, { recursive: true, force: true })
})

const fileWith = async (content: unknown, name = 'web.json'): Promise<string> => {
  const file = join(folder, name)
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content))
  return file
}

const open = (files: readonly string[], own: readonly string[] = []): TrustedDocuments => {
  trusted = createTrustedDocuments({ clock: createTestClock(), log, metrics }, schema, { files, own, only: true })
  return trusted
}

const name = '{ hub { name } }'
const version = 'query Version { hub { version } }'

test('a document is found by its id, with the prefix of GraphQL over HTTP or without', async () => {
  const { find } = open([await fileWith({ a1: name, 'sha256:b2': version })])
  expect(find('a1')?.text).toBe(name)
  expect(find('sha256:a1')).toBe(find('a1'))
  expect(find('b2')?.text).toBe(version)
  for (const id of ['c3', '', 'constructor', '__proto__']) expect(find(id)).toBeUndefined()
})

test('documents come from several files, and from those of the own programs', async () => {
  const files = [await fileWith({ a1: name }), await fileWith({ a1: name, b2: version }, 'mobile.json')]
  const { find } = open(files, [await fileWith({ c3: '{ viewer { name } }' }, 'own.json')])
  expect([find('a1'), find('b2'), find('c3')].map((found) => found?.text)).toEqual([
    name,
    version,
    '{ viewer { name } }',
  ])
})

test('a document is not weighed in each request only if it can never be too complex', async () => {
  const page = '{ jobs(first: 100) { nodes { jobId } } }'
  const large = '{ jobs(first: 100) { nodes { deviceJobs(first: 100) { nodes { deviceId } } } } }'
  const maybe =
    'query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Job { deviceJobs(first: 99) { nodes { deviceId } } } } }'
  const { find, isWithinComplexity } = open([await fileWith({ page, large, maybe })])
  const judged = ['page', 'large', 'maybe'].map((id) => {
    const found = find(id)
    return found !== undefined && isWithinComplexity(found.document)
  })
  expect(judged).toEqual([true, false, false])
  expect(isWithinComplexity(parse(page))).toBe(false)
})

describe('a text is trusted', () => {
  const fragment = 'fragment Names on Hub { name }'
  test.each([
    ['as it stands', `query A { hub { ...Names } } ${fragment}`, true],
    ['in another form', `# who\nquery A\n{ hub, { ...Names } }\n${fragment}`, true],
    ['in another order', `${fragment} query A { hub { ...Names } }`, true],
    ['with type names', `query A { hub { __typename ...Names } } fragment Names on Hub { name __typename }`, true],
    [
      'with its arguments in another order',
      'query B { jobs(last: 1, filter: { status: [RUNNING] }) { totalCount } }',
      true,
    ],
    ['with its fields in another order', 'query C { viewer { name } hub { version name } }', true],
    [
      'with its mutations in another order',
      'mutation D { y: cancelJob(input: { jobId: "y" }) { __typename } x: cancelJob(input: { jobId: "x" }) { __typename } }',
      false,
    ],
    ['with a field more', `query A { hub { ...Names } } fragment Names on Hub { name version }`, false],
    ['with a field less', `query A { hub { __typename } }`, false],
    ['under another name', `query B { hub { ...Names } } ${fragment}`, false],
    ['with an alias', `query A { hub { ...Names } x: __typename } ${fragment}`, false],
  ])('%s: %#', async (_how, text, expected) => {
    const { isTrusted } = open([
      await fileWith({
        a: `query A { hub { ...Names } } ${fragment}`,
        b: 'query B { jobs(filter: { status: [RUNNING] }, last: 1) { totalCount } }',
        c: 'query C { hub { name version } viewer { name } }',
        d: 'mutation D { x: cancelJob(input: { jobId: "x" }) { __typename } y: cancelJob(input: { jobId: "y" }) { __typename } }',
      }),
    ])
    expect(isTrusted(parse(text))).toBe(expected)
  })
})

test('a text whose shape exceeds the limits is not compared, but refused at once', async () => {
  const { isTrusted } = open([await fileWith({ a1: name })])
  const deep = `${'{ jobs { nodes '.repeat(300)}{ id(x: "${'x'.repeat(100_000)}") }${' } }'.repeat(300)}`
  expect(isTrusted(parse(deep))).toBe(false)
})

test('everything that is wrong with the files is said at once', async () => {
  const files = [
    await fileWith({ a1: '{ nothing }', b2: '{', c3: 7, d4: name }),
    await fileWith({ d4: version }, 'mobile.json'),
    await fileWith('no JSON', 'text.json'),
    await fileWith([name], 'list.json'),
    join(folder, 'missing.json'),
  ]
  const start = () => open(files)
  const faults = [
    /web\.json, a1: Cannot query field "nothing" on type "Query"\. \(line 1, column 3\)/,
    /web\.json, b2: Syntax Error: .* \(line 1, column 2\)/,
    /web\.json, c3: The document must be a text\./,
    /mobile\.json, d4: Another file has another document with this id\./,
    /text\.json: The file must contain JSON\./,
    /list\.json: The file must contain an object/,
    /missing\.json: ENOENT/,
  ]
  for (const fault of faults) expect(start).toThrow(fault)
})

describe('a file that changes', () => {
  test('is read again', async () => {
    const file = await fileWith({ a1: name })
    const documents = open([file])
    const parsed = parse(version)
    expect(documents.isTrusted(parsed)).toBe(false)
    await fileWith({ b2: version })
    await documents.reload()
    expect(documents.find('a1')).toBeUndefined()
    expect(documents.find('b2')?.text).toBe(version)
    expect(documents.isTrusted(parsed)).toBe(true)
    expect(logged).toEqual([])
  })

  test('is read again without being asked to', async () => {
    const documents = open([await fileWith({ a1: name })])
    trusted?.close()
    const clock = createTestClock()
    const watching = createTrustedDocuments({ clock, log }, schema, {
      files: [join(folder, 'web.json')],
      own: [],
      only: false,
    })
    trusted = watching
    await fileWith({ b2: version })
    const found = () => {
      clock.advance(5_000)
      return watching.find('b2')
    }
    await expect.poll(found).toBeDefined()
    expect(documents.find('b2')).toBeUndefined()
  })

  test('keeps its documents while it is wrong, which the log and the metrics say', async () => {
    const file = await fileWith({ a1: name })
    const documents = open([file])
    expect(await metrics.print()).toContain('twincast_trusted_documents_valid 1')
    await fileWith({ b2: '{ nothing }' })
    await documents.reload()
    expect(documents.find('a1')?.text).toBe(name)
    expect(logged).toMatchObject([
      {
        msg: 'trusted documents could not be reloaded; the current ones stay in use',
        err: { message: expect.stringContaining('web.json, b2: Cannot query field "nothing"') },
      },
    ])
    expect(await metrics.print()).toContain('twincast_trusted_documents_valid 0')
    await fileWith({ b2: version })
    await documents.reload()
    expect(documents.find('b2')?.text).toBe(version)
    expect(await metrics.print()).toContain('twincast_trusted_documents_valid 1')
  })
})
