import fc from 'fast-check'
import { expect, test } from 'vitest'
import { overlapPolicies } from '../../../src/console/on-overlap.ts'
import {
  type Draft,
  daysOfWeek,
  draftFrom,
  emptyDraft,
  emptyRule,
  emptyWave,
  isUntouched,
  type RuleDraft,
  readDraft,
  repeatedCodes,
  type WaveDraft,
} from '../../../src/console/pages/schedule/draft.ts'
import { units } from '../../../src/console/pages/schedule/duration.ts'
import { readRequest } from '../../../src/console/pages/schedule/request.ts'
import { jobTargets } from '../../../src/console/targets.ts'
import type { JobTargets } from '../../../src/generated/console/graphql.ts'

const text = fc.string({ unit: 'grapheme' })
const rules: fc.Arbitrary<RuleDraft> = fc.record({
  counts: fc.constantFrom('on', 'errorCode', 'responseStatus'),
  on: fc.constantFrom([], ['FAILED'], ['REFUSED', 'TIMED_OUT'], ['FAILED', 'REFUSED']),
  errorCode: text,
  responseStatus: text,
  percent: text,
  afterDevices: text,
  action: fc.constantFrom('PAUSE', 'CANCEL'),
})
const waves: fc.Arbitrary<WaveDraft> = fc.record({
  takes: fc.constantFrom('devices', 'percent', 'queryCondition'),
  size: text,
  succeeded: text,
  soak: text,
  approval: fc.boolean(),
  onFailure: fc.constantFrom('PAUSE', 'CANCEL'),
})
const drafts: fc.Arbitrary<Draft> = fc.record({
  condition: text,
  targets: fc.constantFrom(...jobTargets),
  onOverlap: fc.constantFrom(...overlapPolicies),
  operation: fc.constantFrom('method', 'twin'),
  methodName: text,
  payload: text,
  responseTimeout: text,
  connectTimeout: text,
  tags: text,
  desired: text,
  skipCompliant: fc.boolean(),
  start: fc.constantFrom('now', 'later'),
  startAt: text,
  maxTime: text,
  maxTimeUnit: fc.constantFrom(...units.map(({ unit }) => unit)),
  jobId: text,
  name: text,
  description: text,
  labels: fc.array(fc.record({ name: text, value: text })),
  maxPerMinute: text,
  rampFrom: text,
  rampAfterSucceeded: text,
  rampFactor: text,
  maxConcurrent: text,
  budgetGroupBy: text,
  budgetMaxConcurrent: text,
  retryAttempts: text,
  retryCodes: fc.subarray([...repeatedCodes]),
  retryStatuses: text,
  retryBackoff: text,
  retryFactor: text,
  retryMaxBackoff: text,
  abort: fc.array(rules),
  approval: fc.boolean(),
  waves: fc.array(waves),
  windowDays: fc.subarray([...daysOfWeek]),
  windowFrom: text,
  windowTo: text,
  windowTimeZone: text,
  windowTimeZoneFrom: text,
})

test('a draft that was kept is the same when it is read', () => {
  fc.assert(
    fc.property(drafts, (draft) => {
      expect(readDraft(JSON.stringify(draft))).toEqual(draft)
    }),
  )
})

test('what is kept by another version is taken as far as it is understood', () => {
  expect(readDraft('{"condition":"*","operation":"dance","maxTime":5,"maxTimeUnit":"weeks","start":"later"}')).toEqual({
    ...emptyDraft,
    condition: '*',
    start: 'later',
  })
  const lists =
    '"labels":[{"name":"a"},5],"abort":[{"on":["FAILED","LATE"],"action":"DANCE"},null],"waves":[{"takes":"all"}]'
  expect(readDraft(`{${lists}}`)).toEqual({
    ...emptyDraft,
    waves: [emptyWave],
    labels: [
      { name: 'a', value: '' },
      { name: '', value: '' },
    ],
    abort: [{ ...emptyRule, on: ['FAILED'] }, emptyRule],
  })
  for (const kept of [null, '', 'null', '[]', '"x"', '{']) expect(readDraft(kept), String(kept)).toEqual(emptyDraft)
})

test('a draft is untouched until something is typed', () => {
  expect(isUntouched(readDraft(null))).toBe(true)
  expect(isUntouched({ ...emptyDraft, jobId: 'x' })).toBe(false)
})

const common = { queryCondition: "tags.site = 'north'", maxExecutionTimeInSeconds: 5_400 }
const plain = {
  name: null,
  description: null,
  labels: [],
  rollout: null,
  waves: null,
  skipCompliant: false,
  targets: 'AT_START' as const,
  onOverlap: 'PARALLEL' as const,
}

test('a job that is scheduled again asks for the same calls', () => {
  const cloudToDeviceMethod = {
    methodName: 'reboot',
    payload: { delay: [1, null] },
    responseTimeoutInSeconds: 20,
    connectTimeoutInSeconds: 60,
  }
  expect(readRequest(draftFrom({ ...common, ...plain, cloudToDeviceMethod, updateTwin: null }))).toEqual({
    request: { ...common, cloudToDeviceMethod },
  })
})

test('a connect timeout of 0 and a payload of null are left out again', () => {
  const draft = draftFrom({
    ...common,
    ...plain,
    cloudToDeviceMethod: {
      methodName: 'x',
      payload: null,
      responseTimeoutInSeconds: 30,
      connectTimeoutInSeconds: 0,
    },
    updateTwin: null,
  })
  expect(draft).toMatchObject({ payload: '', connectTimeout: '', maxTime: '90', maxTimeUnit: 'min' })
})

test('a job that is scheduled again makes the same patch', () => {
  const updateTwin = { tags: { site: null }, properties: { desired: { interval: 60 } } }
  expect(readRequest(draftFrom({ ...common, ...plain, cloudToDeviceMethod: null, updateTwin }))).toEqual({
    request: { ...common, updateTwin },
  })
  expect(draftFrom({ ...common, ...plain, cloudToDeviceMethod: null, updateTwin: { tags: { a: 1 } } }).desired).toBe('')
})

test('a twin update that is scheduled again skips devices as before, and a method call never does', () => {
  const updateTwin = { tags: { site: 'north' } }
  const draft = draftFrom({ ...common, ...plain, skipCompliant: true, cloudToDeviceMethod: null, updateTwin })
  expect(readRequest(draft)).toEqual({ request: { ...common, updateTwin, skipCompliant: true } })
  const call = readRequest({ ...draft, operation: 'method', methodName: 'reboot' })
  expect(call).toMatchObject({ request: { cloudToDeviceMethod: { methodName: 'reboot' } } })
  expect(call).not.toHaveProperty('request.skipCompliant')
})

test('a job that is scheduled again selects its devices as before', () => {
  const updateTwin = { tags: { site: 'north' } }
  const again = (targets: JobTargets) =>
    readRequest(draftFrom({ ...common, ...plain, targets, cloudToDeviceMethod: null, updateTwin }))
  expect(again('AT_START')).not.toHaveProperty('request.targets')
  expect(again('AT_CREATION')).toMatchObject({ request: { targets: 'AT_CREATION' } })
  expect(again('CONTINUOUS')).toMatchObject({ request: { targets: 'CONTINUOUS' } })
})

test('a job that is scheduled again has the same name, labels, limits, waves and rules', () => {
  const threshold = { percent: 2.5, afterDevices: 100, action: 'CANCEL' } as const
  const none = { on: [], errorCode: null, responseStatus: null }
  const past = [
    { ...threshold, ...none, on: ['FAILED', 'TIMED_OUT'] as const },
    { ...threshold, ...none, errorCode: 'GatewayTimeout' },
    { ...threshold, ...none, responseStatus: 503 },
  ]
  const abort = [
    { ...threshold, on: ['FAILED', 'TIMED_OUT'] },
    { ...threshold, errorCode: 'GatewayTimeout' },
    { ...threshold, responseStatus: 503 },
  ]
  const noGate = { devices: null, percent: null, queryCondition: null, gate: null }
  const gate = { succeededPercent: 90, soakSeconds: 600, approval: true, onFailure: 'CANCEL' } as const
  const pastWaves = [
    { ...noGate, devices: 10, gate },
    {
      ...noGate,
      percent: 2.5,
      gate: { ...gate, succeededPercent: null, approval: false, onFailure: 'PAUSE' as const },
    },
    { ...noGate, queryCondition: 'tags.a = 1' },
    noGate,
  ]
  const waves = [
    { devices: 10, gate },
    { percent: 2.5, gate: { soakSeconds: 600 } },
    { queryCondition: 'tags.a = 1' },
    {},
  ]
  const budget = { groupBy: 'tags.site', maxConcurrent: 1 }
  const named = {
    name: 'Night of the pumps',
    description: 'Two\nlines.',
    labels: [{ name: 'team', value: 'north' }],
  }
  const window = {
    days: ['SATURDAY', 'SUNDAY'] as const,
    from: '22:00',
    to: '06:00',
    timeZone: 'Europe/Berlin',
    timeZoneFrom: 'tags.timeZone',
  }
  const retry = {
    maxAttempts: 3,
    on: ['GatewayTimeout', '429', '503'],
    backoffSeconds: 5,
    factor: 1.5,
    maxBackoffSeconds: 60,
  }
  const ramp = { from: 10, factor: 1.5, afterSucceeded: 50 }
  const limits = { maxPerMinute: 600, ramp, maxConcurrent: 20, budget, approval: true, window, retry }
  const job = {
    ...common,
    ...named,
    skipCompliant: false,
    targets: 'AT_START' as const,
    onOverlap: 'QUEUE' as const,
    rollout: { ...limits, abort: past },
    waves: pastWaves,
  }
  const updateTwin = { tags: { a: 1 } }
  expect(readRequest(draftFrom({ ...job, cloudToDeviceMethod: null, updateTwin }))).toEqual({
    request: {
      ...common,
      ...named,
      onOverlap: 'QUEUE',
      updateTwin,
      rollout: { maxPerMinute: 600, ramp, approval: true, window, waves, abort },
    },
  })
  const cloudToDeviceMethod = {
    methodName: 'x',
    payload: null,
    responseTimeoutInSeconds: 30,
    connectTimeoutInSeconds: 0,
  }
  expect(readRequest(draftFrom({ ...job, cloudToDeviceMethod, updateTwin: null }))).toMatchObject({
    request: { ...named, rollout: { ...limits, waves, abort } },
  })
})
