import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { buildSchema } from 'graphql'
import { expect, test } from 'vitest'
import { operations, targetPath, wordOf } from '../../../src/console/pages/audit/operations.ts'
import { routes } from '../../../src/rest/router.ts'

test('the operations are those that the audit has, each with words of its own', () => {
  const schema = buildSchema(readFileSync(resolve(import.meta.dirname, '../../../schema.graphql'), 'utf8'))
  const mutations = Object.keys(schema.getMutationType()?.getFields() ?? {})
  const changing = routes.flatMap((route) =>
    'audit' in route && typeof route.audit === 'function' ? [route.operationId] : [],
  )
  const names = operations.flatMap(({ names }) => names)
  expect(names.toSorted()).toEqual([...new Set([...mutations, ...changing, 'readKeys'])].toSorted())
  expect(new Set(operations.map(({ word }) => word)).size).toBe(operations.length)
})

test('a target leads to its page', () => {
  expect(targetPath({ operation: 'updateTwin', target: 'pump/1' })).toBe('/devices/pump%2F1')
  expect(targetPath({ operation: 'cancelJob', target: 'a' })).toBe('/jobs/a')
  expect(targetPath({ operation: 'createDevices', target: null })).toBeUndefined()
  expect(targetPath({ operation: 'updateWebhook', target: 'a' })).toBe('/webhooks/a')
  expect(targetPath({ operation: 'redeliverWebhook', target: 'a' })).toBeUndefined()
})

test('an operation that a newer hub has is shown by its name, without a page', () => {
  expect(wordOf('reviveJob')).toBe('reviveJob')
  expect(targetPath({ operation: 'reviveJob', target: 'a' })).toBeUndefined()
})
