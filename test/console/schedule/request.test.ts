import { expect, test } from 'vitest'
import {
  type Draft,
  emptyDraft,
  emptyRule,
  emptyWave,
  type RuleDraft,
} from '../../../src/console/pages/schedule/draft.ts'
import { mutationOf, readRequest } from '../../../src/console/pages/schedule/request.ts'
import { subjectOf } from '../../../src/console/pages/schedule/use-review.ts'

const draft: Draft = { ...emptyDraft, condition: '*', methodName: 'reboot' }
const requestOf = (changes: Partial<Draft>) => {
  const read = readRequest({ ...draft, ...changes })
  if ('problems' in read) throw new Error(JSON.stringify(read.problems))
  return read.request
}
const problemsOf = (changes: Partial<Draft>) => {
  const read = readRequest({ ...draft, ...changes })
  return 'problems' in read ? Object.keys(read.problems) : []
}

test('what is not filled in is left to the hub', () => {
  expect(requestOf({ responseTimeout: '' })).toEqual({
    queryCondition: '*',
    maxExecutionTimeInSeconds: 3_600,
    cloudToDeviceMethod: { methodName: 'reboot' },
  })
})

test('a call is read with its payload and its timeouts', () => {
  expect(requestOf({ payload: '[1, null]', responseTimeout: '20', connectTimeout: ' 60 ', jobId: ' a-1 ' })).toEqual({
    jobId: 'a-1',
    queryCondition: '*',
    maxExecutionTimeInSeconds: 3_600,
    cloudToDeviceMethod: {
      methodName: 'reboot',
      payload: [1, null],
      responseTimeoutInSeconds: 20,
      connectTimeoutInSeconds: 60,
    },
  })
})

test('what a job does about others is sent unless it is the usual, and never for a continuous job', () => {
  expect(requestOf({})).not.toHaveProperty('onOverlap')
  expect(requestOf({ onOverlap: 'REFUSE' })).toHaveProperty('onOverlap', 'REFUSE')
  expect(requestOf({ onOverlap: 'QUEUE', targets: 'CONTINUOUS' })).not.toHaveProperty('onOverlap')
})

test('a payload of null is a payload', () => {
  expect(requestOf({ payload: 'null' }).cloudToDeviceMethod).toHaveProperty('payload', null)
})

test('a patch has the sections that are filled in, with the nulls that delete', () => {
  expect(requestOf({ operation: 'twin', tags: '{"site":null}' }).updateTwin).toEqual({ tags: { site: null } })
  expect(requestOf({ operation: 'twin', desired: '{"a":1}' }).updateTwin).toEqual({ properties: { desired: { a: 1 } } })
})

test('a start in the time zone of the browser is sent as a moment', () => {
  const { startTime } = requestOf({ start: 'later', startAt: '2026-03-01T06:30' })
  expect(startTime).toBe(new Date('2026-03-01T06:30').toISOString())
  expect(requestOf({ start: 'now', startAt: '2026-03-01T06:30' })).not.toHaveProperty('startTime')
})

test('a name, labels, limits and rules are read as they are typed', () => {
  const rule: RuleDraft = { ...emptyRule, on: ['REFUSED'], percent: '2.5' }
  expect(
    requestOf({
      name: ' Night ',
      labels: [{ name: ' team ', value: ' a b ' }],
      maxPerMinute: '600',
      maxConcurrent: '20',
      budgetGroupBy: ' tags.site ',
      budgetMaxConcurrent: '1',
      abort: [
        rule,
        { ...rule, afterDevices: '100' },
        { ...rule, counts: 'errorCode', errorCode: ' GatewayTimeout ' },
        { ...rule, counts: 'responseStatus', responseStatus: '503' },
        { ...rule, counts: 'responseStatus', responseStatus: '-1' },
      ],
    }),
  ).toMatchObject({
    name: 'Night',
    labels: [{ name: 'team', value: ' a b ' }],
    rollout: {
      maxPerMinute: 600,
      maxConcurrent: 20,
      budget: { groupBy: 'tags.site', maxConcurrent: 1 },
      abort: [
        { on: ['REFUSED'], percent: 2.5, action: 'PAUSE' },
        { on: ['REFUSED'], percent: 2.5, afterDevices: 100, action: 'PAUSE' },
        { errorCode: 'GatewayTimeout', percent: 2.5, action: 'PAUSE' },
        { responseStatus: 503, percent: 2.5, action: 'PAUSE' },
        { responseStatus: -1, percent: 2.5, action: 'PAUSE' },
      ],
    },
  })
  expect(requestOf({ name: ' ', description: ' ' })).not.toHaveProperty('name')
})

test('a time window is read as it is typed, and not without its times and a zone', () => {
  const typed = { windowFrom: ' 22:00 ', windowTo: '06:00', windowTimeZone: ' Europe/Berlin ' }
  const window = { from: '22:00', to: '06:00', timeZone: 'Europe/Berlin' }
  expect(requestOf(typed).rollout).toEqual({ window })
  expect(requestOf({ ...typed, windowDays: ['SUNDAY'], windowTimeZoneFrom: 'tags.zone' }).rollout).toEqual({
    window: { ...window, days: ['SUNDAY'], timeZoneFrom: 'tags.zone' },
  })
  expect(readRequest({ ...emptyDraft, condition: '*', methodName: 'x', windowDays: ['SUNDAY'] })).toEqual({
    problems: {
      windowFrom: 'Enter a time of day, such as 22:00.',
      windowTo: 'Enter a time of day, such as 06:00.',
      windowTimeZone: 'Enter a time zone, such as Europe/Berlin.',
    },
  })
})

test('a ramp is read as it is typed, and not without the rate up to which it rises', () => {
  const typed: Partial<Draft> = { maxPerMinute: '600', rampFrom: ' 10 ', rampAfterSucceeded: '50' }
  const ramp = { from: 10, afterSucceeded: 50 }
  expect(requestOf(typed).rollout).toEqual({ maxPerMinute: 600, ramp: { ...ramp, factor: 2 } })
  expect(requestOf({ ...typed, rampFactor: ' ' }).rollout).toEqual({ maxPerMinute: 600, ramp })
  expect(requestOf({ ...typed, operation: 'twin', tags: '{"a":1}' }).rollout).toHaveProperty('ramp')
  expect(requestOf({ ...typed, rampFrom: ' ', rampFactor: 'x' }).rollout).toEqual({ maxPerMinute: 600 })
  expect(problemsOf({ rampFrom: 'x', rampAfterSucceeded: '', rampFactor: 'x' })).toEqual([
    'maxPerMinute',
    'rampFrom',
    'rampAfterSucceeded',
    'rampFactor',
  ])
})

test('a retry policy is read as it is typed, and not without what is repeated', () => {
  const typed: Partial<Draft> = { retryAttempts: '3', retryCodes: ['GatewayTimeout'], retryStatuses: ' 429, 503 ' }
  const policy = { maxAttempts: 3, on: ['GatewayTimeout', '429', '503'] }
  expect(requestOf(typed).rollout).toEqual({
    retry: { ...policy, backoffSeconds: 10, factor: 2, maxBackoffSeconds: 3_600 },
  })
  const empty = { retryBackoff: '', retryFactor: ' ', retryMaxBackoff: '' }
  expect(requestOf({ ...typed, ...empty, retryFactor: '1.25' }).rollout).toEqual({ retry: { ...policy, factor: 1.25 } })
  expect(requestOf({ ...typed, ...empty }).rollout).toEqual({ retry: policy })
  expect(problemsOf({ retryAttempts: 'x', retryBackoff: '1.5', retryFactor: 'x', retryMaxBackoff: '-1' })).toEqual([
    'retryAttempts',
    'retryCodes',
    'retryBackoff',
    'retryFactor',
    'retryMaxBackoff',
  ])
  expect(requestOf({ ...typed, retryAttempts: ' ', retryBackoff: 'x' })).not.toHaveProperty('rollout')
})

test('waves are read with their gates, and the last one takes the rest', () => {
  const gated = {
    ...emptyWave,
    size: '10',
    succeeded: '97.5',
    soak: '600',
    approval: true,
    onFailure: 'CANCEL',
  } as const
  const waves = [
    gated,
    { ...emptyWave, takes: 'percent', size: '5' },
    { ...emptyWave, takes: 'queryCondition', size: '*' },
  ] as const
  expect(requestOf({ waves }).rollout).toEqual({
    waves: [
      { devices: 10, gate: { succeededPercent: 97.5, onFailure: 'CANCEL', soakSeconds: 600, approval: true } },
      { percent: 5 },
      { queryCondition: '*' },
      {},
    ],
  })
})

test('what cannot be sent is a problem of its field', () => {
  expect(
    problemsOf({
      condition: ' ',
      methodName: '',
      payload: '{',
      responseTimeout: '1.5',
      connectTimeout: 'x',
      start: 'later',
      startAt: '',
      maxTime: '',
    }),
  ).toEqual(['condition', 'startAt', 'maxTime', 'methodName', 'payload', 'responseTimeout', 'connectTimeout'])
  expect(problemsOf({ operation: 'twin', tags: '[]', desired: '{"a":' })).toEqual(['tags', 'desired'])
  const abort: readonly RuleDraft[] = [
    { ...emptyRule, percent: 'half', afterDevices: 'x' },
    { ...emptyRule, percent: '1', counts: 'errorCode', errorCode: ' ' },
    { ...emptyRule, percent: '1', counts: 'responseStatus', responseStatus: 'many' },
  ]
  expect(problemsOf({ labels: [{ name: ' ', value: '' }], maxPerMinute: '1.5', maxConcurrent: '-1', abort })).toEqual([
    'labels.0.name',
    'maxPerMinute',
    'maxConcurrent',
    'abort.0.percent',
    'abort.0.afterDevices',
    'abort.1.errorCode',
    'abort.2.responseStatus',
  ])
  const waves = [
    { ...emptyWave, size: '1.5', succeeded: 'most', soak: 'long' },
    { ...emptyWave, takes: 'percent' },
    { ...emptyWave, takes: 'queryCondition' },
  ] as const
  expect(problemsOf({ waves })).toEqual([
    'waves.0.succeeded',
    'waves.0.soak',
    'waves.0.size',
    'waves.1.size',
    'waves.2.size',
  ])
  expect(problemsOf({ budgetGroupBy: 'tags.site' })).toEqual(['budgetMaxConcurrent'])
  expect(problemsOf({ budgetMaxConcurrent: '1' })).toEqual(['budgetGroupBy'])
})

test('fields of the operation that is not chosen are no problem', () => {
  expect(problemsOf({ tags: '{' })).toEqual([])
  const twin = { operation: 'twin', tags: '{"a":1}' } as const
  expect(requestOf({ ...twin, maxConcurrent: 'many', retryAttempts: 'many' })).not.toHaveProperty('rollout')
  expect(problemsOf({ operation: 'twin', methodName: '', payload: '{', tags: '{"a":1}' })).toEqual([])
})

test('a review holds whatever the id, the name and the labels become', () => {
  const naming = { jobId: 'a', name: 'b', description: 'c', labels: [{ name: 'd', value: 'e' }] }
  expect(subjectOf(requestOf(naming))).toBe(subjectOf(requestOf({})))
  expect(subjectOf(requestOf({ maxPerMinute: '5' }))).not.toBe(subjectOf(requestOf({})))
  expect(subjectOf(requestOf({ methodName: 'blink' }))).not.toBe(subjectOf(requestOf({})))
})

test('of a time that is too long for the schema it is said how long it may be', () => {
  const read = readRequest({ ...draft, maxTime: '99999999', maxTimeUnit: 'h' })
  expect(read).toHaveProperty('problems.maxTime', expect.stringContaining('up to 30 days'))
})

test('each operation has its mutation, with what is expected when anything is', () => {
  const expected = { fingerprint: 'f', maxDevices: 3 }
  expect(mutationOf(requestOf({ jobId: 'a' }), expected)).toEqual({
    method: { ...requestOf({ jobId: 'a' }), expect: expected },
  })
  const patch = requestOf({ operation: 'twin', tags: '{"a":1}' })
  expect(mutationOf(patch, undefined)).toEqual({ twin: patch })
  expect(mutationOf(patch, {})).toEqual({ twin: patch })
})
