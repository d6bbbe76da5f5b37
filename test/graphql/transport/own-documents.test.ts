import { resolve } from 'node:path'
import { formatDocument, stringifyDocument } from '@urql/core'
import { type DocumentNode, parse, print } from 'graphql'
import { pino } from 'pino'
import { afterAll, describe, expect, test } from 'vitest'
import * as commands from '../../../src/generated/commands/graphql.ts'
import * as console from '../../../src/generated/console/graphql.ts'
import { schema } from '../../../src/graphql/schema.ts'
import { createTrustedDocuments } from '../../../src/graphql/transport/trusted-documents.ts'
import { createTestClock } from '../../support/clock.ts'

const own = ['console', 'commands'].map((program) =>
  resolve(import.meta.dirname, '../../../src/generated', program, 'persisted-documents.json'),
)
const trusted = createTrustedDocuments({ clock: createTestClock(), log: pino({ level: 'silent' }) }, schema, {
  files: [],
  own,
  only: true,
})
afterAll(() => trusted.close())

const isDocument = (value: unknown): value is DocumentNode =>
  typeof value === 'object' && value !== null && 'definitions' in value

const ofConsole = Object.entries(console).flatMap(([name, value]): [string, DocumentNode][] =>
  name.endsWith('Document') && isDocument(value) ? [[name, value]] : [],
)
const ofCommands = Object.entries(commands).flatMap(([name, value]): [string, string][] =>
  name.endsWith('Document') ? [[name, String(value)]] : [],
)

describe('the hub knows the documents of its own programs', () => {
  test('there are some', () => {
    expect(ofConsole.length).toBeGreaterThan(20)
    expect(ofCommands.length).toBeGreaterThan(5)
  })

  test.each(ofConsole)('%s, as the console sends it', (_name, document) => {
    expect(trusted.isTrusted(parse(print(document)))).toBe(true)
    // Queries of urql, which adds type names.
    const formatted: unknown = formatDocument(document)
    expect(isDocument(formatted) && trusted.isTrusted(parse(stringifyDocument(formatted)))).toBe(true)
  })

  test.each(ofCommands)('%s, as the commands send it', (_name, text) => {
    expect(trusted.isTrusted(parse(text))).toBe(true)
  })
})
