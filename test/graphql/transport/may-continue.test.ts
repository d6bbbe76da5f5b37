import { expect, test } from 'vitest'
import type { Viewer } from '../../../src/access/viewer.ts'
import { createMayContinue } from '../../../src/graphql/transport/may-continue.ts'
import { scopeOf } from '../../../src/query/scope.ts'
import { createTestClock } from '../../support/clock.ts'
import { owner, personWith } from '../door.ts'

const clock = createTestClock()
const now = Math.floor(clock.now().getTime() / 1_000)
const north = scopeOf(["tags.site = 'north'"])
const south = scopeOf(["tags.site = 'south'"])
const reader: Viewer = { ...personWith({ rights: ['readJobs'], scope: north }), expiry: now + 100 }
const both = scopeOf(["tags.site = 'north'", "tags.site = 'south'"])

test.each<[string, Viewer, Viewer | undefined, boolean]>([
  ['has what it had', reader, reader, true],
  ['has a token that does not expire', owner, owner, true],
  ['has more rights and devices', reader, personWith({ rights: ['readJobs', 'writeJobs'], scope: both }), true],
  ['has expired within the tolerance', { ...reader, expiry: now - 59 }, reader, true],
  ['has expired', { ...reader, expiry: now - 60 }, reader, false],
  ['has lost the right', reader, personWith({ rights: ['readDevices'], scope: north }), false],
  ['sees other devices', reader, personWith({ rights: ['readJobs'], scope: south }), false],
  ['has a key that was replaced', reader, undefined, false],
])('whether a download goes on whose viewer now %s', (_now, viewer, refreshed, expected) => {
  const mayContinue = createMayContinue(clock, { refresh: () => refreshed })
  expect(mayContinue(viewer, 'readJobs')).toBe(expected)
})
