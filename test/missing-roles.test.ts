import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createMetrics } from '../src/metrics/metrics.ts'
import { watchRoles } from '../src/missing-roles.ts'

const others = (...roles: string[][]) =>
  roles.map((each, index) => ({ id: `other-${index}`, roles: each, demand: {}, hints: 0 }))

test('a role that no living instance has is logged once, until one has it again, and counted as 0', async () => {
  const lines: { level: number; role: string }[] = []
  const log = pino({}, { write: (line: string) => lines.push(JSON.parse(line)) })
  const metrics = createMetrics()
  const watch = watchRoles({ log, metrics }, ['gateway'])
  expect(watch.whyMissing()).toBeUndefined()

  watch.seen(others(['api', 'worker'], ['gateway']))
  expect(lines).toEqual([])
  expect(await metrics.print()).toContain('twincast_instances{role="gateway"} 2')

  for (let renewals = 0; renewals < 3; renewals++) watch.seen(others(['api']))
  expect(lines).toMatchObject([{ level: 40, role: 'worker' }])
  expect(watch.whyMissing()).toBe('No instance has the role worker: jobs do not start, end or expire.')
  expect(await metrics.print()).toContain('twincast_instances{role="worker"} 0')

  watch.seen(others(['worker']))
  expect(lines.slice(1)).toMatchObject([
    { level: 40, role: 'api' },
    { level: 30, role: 'worker' },
  ])
  expect(watch.whyMissing()).toBe('No instance has the role api: GraphQL, REST and the console are not served.')
})
