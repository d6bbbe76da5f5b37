import { afterAll, beforeAll, expect, test } from 'vitest'
import { givenDevices, givenTwinJob } from '../support/rows.ts'
import { openDoor, type TestDoor } from './door.ts'

// Pages of 64 KB.

let door: TestDoor
beforeAll(async () => {
  door = await openDoor({ limits: { pageBytes: 64 * 1024 } })
  await givenDevices(door.deps, 'pump', 10)
  for (let count = 0; count < 10; count++) await givenTwinJob(door.deps, 'pump', { jobId: `job-${count}` })
  await door.deps.database.pool.query(
    `update job set request = json_build_object('tags', json_build_object('note', repeat('n', 20000)))`,
  )
  await door.deps.database.pool.query(`update twin set reported = jsonb_build_object('large', repeat('r', 70000))`)
})
afterAll(() => door.close())

test('a list of jobs ends its page early, and goes on behind it', async () => {
  const jobIds: string[] = []
  let continuation: string | null = null
  let pages = 0
  do {
    const headers: Record<string, string> = continuation === null ? {} : { 'x-ms-continuation': continuation }
    const answer = await door.ask('GET /jobs/v2/query', { headers })
    expect(answer.status).toBe(200)
    jobIds.push(...answer.body.map(({ jobId }: { jobId: string }) => jobId))
    continuation = answer.headers.get('x-ms-continuation')
    pages++
  } while (continuation !== null)
  expect(pages).toBeGreaterThan(1)
  expect(jobIds).toEqual(Array.from({ length: 10 }, (_, index) => `job-${9 - index}`))
})

test('a row that is larger than a page is refused with 413, and with what to do', async () => {
  const answer = await door.ask('POST /devices/query', { body: { query: 'SELECT * FROM devices' } })
  expect(answer.status).toBe(413)
  expect(answer.error).toBe('MessageTooLarge;A row would be larger than 65536 bytes. Select fewer or smaller members.')
})
