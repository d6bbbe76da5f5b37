import { expect, test } from 'vitest'
import { createLog } from '../../src/log/log.ts'
import { createTestClock } from '../support/clock.ts'

function openLog() {
  const clock = createTestClock()
  const lines: Record<string, unknown>[] = []
  const log = createLog('info', clock, { write: (line) => lines.push(JSON.parse(line)) })
  return { clock, lines, log, texts: () => lines.map(({ msg, times }) => [msg, times]) }
}

test('an error that comes again and again is one line at once, and one a minute with their number', async () => {
  const { clock, log, lines, texts } = openLog()
  const fail = (): void => log.error({ err: new Error('it is away'), step: 'expire' }, 'step failed')
  for (let count = 0; count < 1_000; count++) fail()
  expect(texts()).toEqual([['step failed', undefined]])
  clock.advance(60_000)
  await expect.poll(texts).toEqual([
    ['step failed', undefined],
    ['step failed', 999],
  ])
  expect(lines[1]).toMatchObject({ step: 'expire', err: { message: 'it is away' } })
})

test('when it has not come for a minute, the next is written at once', async () => {
  const { clock, log, texts } = openLog()
  log.warn('strange')
  clock.advance(60_000)
  await expect
    .poll(() => {
      log.warn('strange')
      return texts().filter(([, times]) => times === undefined).length
    })
    .toBeGreaterThan(1)
})

test('other errors, other steps and other texts are lines of their own', () => {
  const { log, lines } = openLog()
  log.error({ err: new Error('it is away'), step: 'expire' }, 'step failed')
  log.error({ err: new Error('it is away'), step: 'dispatch' }, 'step failed')
  log.error({ err: new Error('division by zero'), step: 'expire' }, 'step failed')
  log.warn({ err: new Error('it is away'), step: 'expire' }, 'step failed')
  log.error('step failed')
  expect(lines).toHaveLength(5)
})

test('what a client was referred to and what is no fault is written each time', () => {
  const { log, lines } = openLog()
  for (let count = 0; count < 3; count++) {
    log.error({ err: new Error('broken'), reference: String(count) }, 'GraphQL request failed')
    log.error({ err: new Error('broken'), trackingId: String(count) }, 'a REST request failed')
    log.info('ready')
  }
  expect(lines).toHaveLength(9)
})

test('a text that varies without end does not make memory grow without end: what is new is gathered with the rest', () => {
  const { log, lines } = openLog()
  for (let count = 0; count < 1_000; count++) log.warn(`device ${count} is strange`)
  expect(lines.length).toBeLessThanOrEqual(101)
})

test('of an error of the database its statement and its values are not logged', () => {
  const { log, lines } = openLog()
  log.error({ err: Object.assign(new Error('failed'), { code: '22P02', where: 'secret', detail: 'secret' }) }, 'x')
  expect(JSON.stringify(lines)).not.toContain('secret')
  expect(lines[0]).toMatchObject({ err: { type: 'Error', message: 'failed', code: '22P02' } })
})
