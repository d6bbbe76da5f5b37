import { afterAll, expect, test } from 'vitest'
import { InvalidInputError } from '../../src/errors.ts'
import type { JsonObject } from '../../src/json/json.ts'
import { defaultLimits } from '../../src/limits/limits.ts'
import { patched } from '../../src/twin/changes.ts'
import { type ServiceSide, serviceTexts } from '../../src/twin/document.ts'
import { createTwinThread, TwinThreadError } from '../../src/twin-thread/twin-thread.ts'

const thread = createTwinThread()
afterAll(() => thread.close())

const { twinBytes, twinMembers } = defaultLimits
const context = { now: new Date('2026-12-01T03:00:00.000Z'), limits: { twinBytes, twinMembers } }
const members = (count: number): JsonObject =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, { at: index }]))
const twin: ServiceSide = {
  deviceId: 'one',
  tags: { floor: 2 },
  desired: { ...members(1_000), old: true },
  desiredMetadata: { $lastUpdated: '2026-11-30T00:00:00.000Z', $lastUpdatedVersion: 1, old: {} },
  desiredVersion: 1,
  version: 3,
  etagVersion: 2,
}

test('a change in the thread is the same as here', async () => {
  const desired = { ...members(1_500), old: null }
  const after = await thread.run('patched', {
    twin: serviceTexts(twin),
    patch: { desired: JSON.stringify(desired) },
    ...context,
  })
  expect(after).toEqual(serviceTexts(patched(twin, { desired }, context)))
  const tagged = await thread.run('patched', {
    twin: serviceTexts(twin),
    patch: { tags: '{"floor":null}' },
    ...context,
  })
  expect(tagged).toEqual(serviceTexts(patched(twin, { tags: { floor: null } }, context)))
})

test('a change that is refused fails as here, and the thread goes on', async () => {
  const refused = thread.run('patched', {
    twin: serviceTexts(twin),
    patch: { desired: JSON.stringify(members(5_000)) },
    ...context,
  })
  await expect(refused).rejects.toMatchObject({ path: ['properties', 'desired'], code: 'INVALID_INPUT' })
  await expect(refused).rejects.toBeInstanceOf(InvalidInputError)
  const infinite = thread.run('firstTwin', { twin: { tags: { weight: Number.POSITIVE_INFINITY } }, ...context })
  await expect(infinite).rejects.toMatchObject({ path: ['twin', 'tags', 'weight'] })
  expect(await thread.run('firstTwin', { twin: { tags: { a: 1 } }, ...context })).toMatchObject({ tags: '{"a":1}' })
})

test('when the thread ends, the changes that it has fail with a typed error, and the next one has another thread', async () => {
  const broken = thread.run('reported', {
    twin: { deviceId: 'one', reported: 'no JSON', reportedMetadata: '{}', reportedVersion: 1, version: 1 },
    patch: '{}',
    ...context,
  })
  const behind = thread.run('firstTwin', { twin: {}, ...context })
  await expect(broken).rejects.toMatchObject({ name: 'TwinThreadError', cause: { name: 'SyntaxError' } })
  await expect(behind).rejects.toBeInstanceOf(TwinThreadError)
  expect(await thread.run('firstTwin', { twin: {}, ...context })).toMatchObject({ desired: '{}' })
})

test('a closed thread fails what it has and whatever comes', async () => {
  const closed = createTwinThread()
  const underWay = closed.run('firstTwin', { twin: {}, ...context })
  const failed = expect(underWay).rejects.toBeInstanceOf(TwinThreadError)
  await closed.close()
  await failed
  await expect(closed.run('firstTwin', { twin: {}, ...context })).rejects.toBeInstanceOf(TwinThreadError)
  await createTwinThread().close()
})
