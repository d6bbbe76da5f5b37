import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDevices } from '../../src/device/commands.ts'
import { everything } from '../../src/scope.ts'
import { documentsIn, findTwinTexts } from '../../src/twin/text-store.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'

let deps: TestDeps
const ids = Array.from({ length: 10 }, (_, index) => `twin-${index}`)
beforeAll(async () => {
  deps = await createTestDeps()
  await createDevices(
    deps,
    everything,
    ids.map((deviceId) => ({ deviceId, twin: { tags: { text: 'x'.repeat(988) } } })),
  )
})
afterAll(() => deps.close())

// {"text": "…"} has 1,000 bytes.
test('twins are read until they are more than there may be, and none behind that one', async () => {
  const { twins, bytes } = await findTwinTexts(deps.db, everything, ids, ['tags'], 3500)
  expect(twins).toHaveLength(4)
  expect(bytes).toBe(4000)
})

test('all of them are read when they are no more, in the order of the ids', async () => {
  const { twins, bytes } = await findTwinTexts(deps.db, everything, ids.toReversed(), ['tags'], 10_000)
  expect(twins.map(({ deviceId }) => deviceId)).toEqual(ids.toReversed())
  expect(bytes).toBe(10_000)
})

test('a device that is there no more is passed over, wherever it stands', async () => {
  const asked = ['gone', ...ids.slice(0, 2), 'away', 'twin-2', 'over']
  const { twins, bytes } = await findTwinTexts(deps.db, everything, asked, ['tags'], 10_000)
  expect(twins.map(({ deviceId }) => deviceId)).toEqual(['twin-0', 'twin-1', 'twin-2'])
  expect(bytes).toBe(3000)
  expect(await findTwinTexts(deps.db, everything, ['gone'], ['tags'], 10_000)).toEqual({ twins: [], bytes: 0 })
  expect(await findTwinTexts(deps.db, everything, [], ['tags'], 10_000)).toEqual({ twins: [], bytes: 0 })
})

test('documents that nobody asks for are not read', async () => {
  const { twins, bytes } = await findTwinTexts(deps.db, everything, ids.slice(0, 1), [], 0)
  expect(twins).toEqual([{ deviceId: 'twin-0', desiredVersion: 1, reportedVersion: 1, version: 1, etagVersion: 1 }])
  expect(bytes).toBe(0)
})

test('only names of documents are names of documents', () => {
  expect(documentsIn(['version', 'tags', 'toString', 'desiredMetadata', 'deviceId'])).toEqual([
    'desiredMetadata',
    'tags',
  ])
})
