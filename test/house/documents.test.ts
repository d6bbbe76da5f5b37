import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

// Documents are large: those of a page of twins, what devices answered, what jobs do. A page of them is read as text and no
// further than it may be large, by the stores that can do that. Prisma would read and parse all of it.

const root = resolve(import.meta.dirname, '../../src')
const adapters = ['graphql', 'rest', 'statement'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${folder}/${file}`),
)
const source = (file: string): string => readFileSync(join(root, file), 'utf8')

test('adapters do not read documents by Prisma', () => {
  const byPrisma =
    /prisma\s*\.\s*twin\b|relation\('twin'|\b(?:tags|desired|reported|(?:desired|reported)Metadata|request|responsePayload): true\b/
  const broken = adapters.filter((file) => byPrisma.test(source(file)))
  expect(broken).toEqual([])
})

test('a store that reads a page of documents takes the bytes that there is room for', () => {
  const readers: Readonly<Record<string, readonly string[]>> = {
    'twin/text-store.ts': ['findTwinTexts'],
    'device/selection-store.ts': ['findDeviceTwins', 'findDeviceValues', 'findDeviceGroups'],
    'job/store/device-jobs.ts': ['findPayloads', 'findDeviceJobRows'],
    'job/store/operations.ts': ['findOperations'],
    'job/store/jobs.ts': ['findJobRecords'],
  }
  const lacking = Object.entries(readers).flatMap(([file, names]) =>
    names.filter(
      (name) => !new RegExp(`function ${name}\\([^]*?maxBytes: number[^]*?\\): Promise<`).test(source(file)),
    ),
  )
  expect(lacking).toEqual([])
})

test('documents of GraphQL answers are read only where room is taken for them', () => {
  const calls = adapters
    .filter((file) => file.startsWith('graphql/'))
    .flatMap((file) => {
      const text = source(file)
      // A statement that reads no documents is given no bytes.
      const inside =
        /(?:answer\.read|readDocuments)\((?:context, )?\(maxBytes\) =>\s*find\w+\([^()]*maxBytes\)|find\w+\([^()]*\b0\)/g
      return [...text.replaceAll(inside, '').matchAll(/\b(findTwinTexts|findPayloads|findOperations)\(/g)].map(
        ([call]) => `${file}: ${call}`,
      )
    })
  expect(calls).toEqual([])
})

test('the budgets of answers are created where their room is, so that none is without', () => {
  const creating = adapters.filter((file) => source(file).includes('new AnswerBudget('))
  expect(creating.sort()).toEqual(['graphql/live/shared-subscribe.ts', 'graphql/transport/server.ts'])
})

test('messages and events are sent only where large ones are counted until they have left', () => {
  const sending = adapters.filter((file) => /\bwriteMessage\(|\bprintedBy\(/.test(source(file)))
  expect(sending.sort()).toEqual([
    'graphql/live/broadcast.ts', // states without documents
    'graphql/transport/http-subscribe.ts',
    'graphql/transport/next-message.ts',
    'graphql/transport/server.ts', // whole answers, whose budget counts them
    'graphql/transport/socket-results.ts',
  ])
})
