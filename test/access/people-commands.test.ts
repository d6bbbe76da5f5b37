import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPeople, type People } from '../../src/access/people-commands.ts'
import type { Roles } from '../../src/access/role-commands.ts'
import { builtInTable, type RoleTable } from '../../src/access/roles.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { createTestClock } from '../support/clock.ts'
import { type Issuer, openIssuer } from '../support/issuer.ts'

let issuer: Issuer
let people: People
let table: RoleTable = builtInTable
const metrics = createMetrics()
const roles: Roles = {
  table: () => table,
  fingerprint: () => undefined,
  listen: () => () => {},
  async reload() {},
  close() {},
}

beforeAll(async () => {
  issuer = await openIssuer()
  people = await openPeople(
    { clock: createTestClock(new Date()), log: pino({ level: 'silent' }) },
    { issuers: [issuer.url], audiences: [issuer.audience], keysPath: undefined, rolesPath: 'roles', roles, metrics },
  )
})
afterAll(async () => {
  people.close()
  await issuer.close()
})

test('the viewer of a token is a person with the rights and devices of its roles', async () => {
  expect(await people.viewer(await issuer.mint({ roles: ['viewer', 'boss'] }))).toMatchObject({
    kind: 'person',
    id: `${issuer.url}|anna`,
    name: 'Anna',
    roles: ['viewer'],
    rights: new Set(['readDevices', 'readTwins', 'readJobs']),
    tolerance: 60,
  })
})

test('a repeated token has the same viewer, until the roles change', async () => {
  const token = await issuer.mint({ roles: ['north'] })
  const before = await people.viewer(token)
  expect(before).toMatchObject({ lack: expect.stringContaining('no role that this hub knows') })
  expect(await people.viewer(token)).toBe(before)
  table = new Map([...builtInTable, ['north', { rights: new Set(['readTwins'] as const), condition: 'tags.n = 1' }]])
  const after = await people.viewer(token)
  expect(after).toMatchObject({ roles: ['north'], rights: new Set(['readTwins']) })
  expect(after.scope.parts).toEqual(['tags.n = 1'])
  expect(await people.viewer(token)).toBe(after)
})

test('the age of the keys is a metric', async () => {
  await people.viewer(await issuer.mint())
  expect(await metrics.print()).toContain(`twincast_jwks_age_seconds{issuer="${issuer.url}"} 0\n`)
})
