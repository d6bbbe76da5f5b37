import { afterAll, beforeAll, expect, test } from 'vitest'
import type { BoundedReads } from '../../../src/database/bounded-read.ts'
import { createDevices } from '../../../src/device/commands.ts'
import { countOverlaps } from '../../../src/job/store/overlaps.ts'
import { compileDeviceCondition } from '../../../src/query/device-condition.ts'
import { scopeOf } from '../../../src/query/scope.ts'
import { everything, type Scope } from '../../../src/scope.ts'
import { createTestDeps, type TestDeps } from '../../support/deps.ts'
import { unhurried } from '../../support/unhurried.ts'

let deps: TestDeps
beforeAll(async () => {
  deps = await createTestDeps()
  await createDevices(
    deps,
    everything,
    [
      { deviceId: 'n1', site: 'north', n: 10 },
      { deviceId: 's1', site: 'south', n: 11 },
    ].map(({ deviceId, ...tags }) => ({ deviceId, twin: { tags } })),
  )
  // What `tags.n % 7` calls. An error shows that it was evaluated, where otherwise only its time would.
  await deps.database.pool.query(
    `create or replace function double_remainder(a float8, b float8) returns float8
     language plpgsql immutable strict parallel safe as $$
     begin
       if a = 11 then raise exception 'a device outside the scope'; end if;
       return 3;
     end $$`,
  )
})
afterAll(() => deps.close())

/** Reads that have all the time they need, apart from the samples that precede the search for common devices. */
function withoutTimeForSamples(): BoundedReads {
  let reads = 0
  return { boundedRead: async (_ms, work) => (++reads <= 2 ? undefined : work(unhurried(deps.db))) }
}

// PostgreSQL evaluates first what it expects to cost less: here the condition, and not the scope.
const north = scopeOf(["tags.site = 'north' OR tags.n + 1 + 1 + 1 > 1e300"])
const all = compileDeviceCondition('*')
const condition = compileDeviceCondition('tags.n % 7 = 3')

const common = async (viewer: Scope, ofJob: Scope) => {
  const job = { id: 'j1', key: '1', retry: null, selects: { condition, scope: ofJob } }
  return (await countOverlaps(withoutTimeForSamples(), viewer, all, [job])).get('j1')
}

test("the condition of an overlapping job is evaluated on devices in the viewer's scope and in that of the job only", async () => {
  const exactlyOne = { value: 1, precision: 'exact' }
  expect(await common(north, everything)).toEqual(exactlyOne)
  expect(await common(everything, north)).toEqual(exactlyOne)
  expect(await common(north, north)).toEqual(exactlyOne)
  await expect(common(everything, everything)).rejects.toThrow('a device outside the scope')
})
