import { expect, test } from 'vitest'
import { hasKeys } from '../../src/rest/answer-keys.ts'
import { schemas } from '../../src/rest/schemas.ts'

test('the answers with keys are those whose schema has a symmetric key, or refers to one that has', () => {
  const texts = Object.entries(schemas).map(([name, schema]) => [name, JSON.stringify(schema)] as const)
  const holders = texts.filter(([, text]) => text.includes('symmetricKey')).map(([name]) => name)
  const withKeys = texts.filter(
    ([name, text]) => holders.includes(name) || holders.some((one) => text.includes(`/${one}"`)),
  )
  // A BulkRequest is no answer.
  expect(withKeys.map(([name]) => name)).toEqual(['Device', 'Devices', 'BulkRequest'])
  const has = (schema: 'Device' | 'Devices' | 'Twin') => hasKeys({ answer: { status: 200, schema } })
  expect([has('Device'), has('Devices'), has('Twin')]).toEqual([true, true, false])
})
