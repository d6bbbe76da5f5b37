import { expect, test } from 'vitest'
import { newlyEnded } from '../../src/console/ended-jobs.ts'

const event = (jobId: string, endTime: string | null, isNew = false) => ({ job: { jobId, endTime }, isNew })
const time = '2026-03-01T06:00:00Z'

test('only jobs that end while they are followed are reported, each once', () => {
  const open = new Set<string>()
  expect(newlyEnded([event('old', time), event('mine', null)], open, [])).toEqual([])
  const ended = newlyEnded([event('mine', time), event('mine', time)], open, [])
  expect(ended.map(({ jobId }) => jobId)).toEqual(['mine'])
  expect(newlyEnded([event('mine', time)], open, [])).toEqual([])
})

test('a job that ended at once is reported when it is new, or was scheduled in this tab', () => {
  const events = [event('new', time, true), event('own', time), event('old', time)]
  expect(newlyEnded(events, new Set(), ['own']).map(({ jobId }) => jobId)).toEqual(['new', 'own'])
})
