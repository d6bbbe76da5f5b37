import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestClock } from '../support/clock.ts'
import { openDoor, type TestDoor } from './door.ts'

let door: TestDoor
beforeAll(async () => {
  door = await openDoor({ clock: createTestClock(new Date('2026-11-01T00:00:00Z')) })
})
afterAll(() => door.close())

const schedule = `mutation ($startTime: DateTime!) {
  scheduleTwinUpdate(input: { queryCondition: "*", startTime: $startTime, updateTwin: { tags: { a: 1 } } }) {
    __typename
  }
}`
const jobs = `query ($filter: JobFilter) { jobs(first: 1, filter: $filter) { totalCount } }`

describe('a DateTime', () => {
  test.each([
    '2026-11-31T10:00:00Z',
    '2026-02-30T00:00:00Z',
    '2026-11-02T24:00:00Z',
    '2026-11-02T10:00:00',
    '0000-01-01T00:00:00Z',
    '-271820-01-01T00:00:00Z',
    '10000-01-01T00:00:00Z',
    7,
    {},
  ])('of %j is refused by the name of its member, in a mutation, in a filter and as a literal', async (time) => {
    const refusal = /A DateTime is ISO 8601 text with an offset, such as "2026-03-01T06:30:00Z"/
    const answers = [
      await door.ask(schedule, { startTime: time }),
      await door.ask(jobs, { filter: { createdTime: { from: time } } }),
      await door.ask(`{ jobs(first: 1, filter: { createdTime: { to: ${JSON.stringify(time)} } }) { totalCount } }`),
    ]
    for (const { errors } of answers) {
      expect(errors).toEqual([expect.objectContaining({ message: expect.stringMatching(refusal) })])
    }
    const codes = answers.map(({ errors }) => errors[0]?.extensions?.code)
    expect(codes).toEqual(['BAD_USER_INPUT', 'BAD_USER_INPUT', expect.stringMatching(/^GRAPHQL_/)])
    expect(answers[0]?.errors[0]?.message).toContain('$startTime')
    expect(answers[1]?.errors[0]?.message).toContain('filter.createdTime.from')
    expect(await door.ask(jobs)).toMatchObject({ data: { jobs: { totalCount: 0 } } })
  })

  test('at the ends of what there are dates for is one that the database can hold', async () => {
    for (const time of ['0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z']) {
      const filter = { createdTime: { from: time, to: time } }
      expect(await door.ask(jobs, { filter })).toMatchObject({ data: { jobs: { totalCount: 0 } }, errors: [] })
    }
  })

  test('in a filter of a subscription is refused as well', async () => {
    const subscription = 'subscription ($filter: JobFilter) { jobUpdated(filter: $filter) { jobId } }'
    const { errors } = await door.ask(subscription, { filter: { createdTime: { from: '0000-01-01T00:00:00Z' } } })
    expect(errors).toEqual([expect.objectContaining({ message: expect.stringContaining('A DateTime is') })])
  })
})

test('a cursor of a time that no database holds is refused like any other that was made up', async () => {
  for (const time of [
    '0000-01-01T00:00:00.000Z',
    '-271820-01-01T00:00:00.000Z',
    '2026-02-30T00:00:00.000Z',
    'Infinity',
  ]) {
    const cursor = Buffer.from(JSON.stringify(['jobs:createdTime:desc', time, 'a'])).toString('base64url')
    const { errors } = await door.ask('query ($after: String) { jobs(first: 1, after: $after) { totalCount } }', {
      after: cursor,
    })
    expect(errors).toEqual([expect.objectContaining({ message: expect.stringMatching(/cursor/i) })])
  }
})
