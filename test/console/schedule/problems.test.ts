import { expect, test } from 'vitest'
import { emptyDraft } from '../../../src/console/pages/schedule/draft.ts'
import { placeRefusal, problemsLeft } from '../../../src/console/pages/schedule/problems.ts'

const invalid = (...path: string[]) => placeRefusal({ __typename: 'InvalidInputError', message: 'Bad.', path })

test('a refusal is shown at the field that its path leads to', () => {
  expect(invalid('queryCondition')?.field).toBe('condition')
  expect(invalid('cloudToDeviceMethod', 'methodName')?.field).toBe('methodName')
  expect(invalid('cloudToDeviceMethod', 'payload')?.field).toBe('payload')
  expect(invalid('cloudToDeviceMethod', 'responseTimeoutInSeconds')?.field).toBe('responseTimeout')
  expect(invalid('cloudToDeviceMethod', 'connectTimeoutInSeconds')?.field).toBe('connectTimeout')
  expect(invalid('startTime')?.field).toBe('startAt')
  expect(invalid('maxExecutionTimeInSeconds')?.field).toBe('maxTime')
  expect(invalid('jobId')?.field).toBe('jobId')
  expect(invalid('targets')?.field).toBe('targets')
  expect(invalid('onOverlap')?.field).toBe('onOverlap')
  expect(invalid('updateTwin')).toEqual({ field: 'tags', message: 'Bad.' })
})

test('a refusal of the retry policy is shown at the field of its member, whichever item it is about', () => {
  const ofRetry = (...path: string[]) => invalid('rollout', 'retry', ...path)
  expect(ofRetry()?.field).toBe('retryAttempts')
  expect(ofRetry('maxAttempts')?.field).toBe('retryAttempts')
  expect(ofRetry('on', '2')).toEqual({ field: 'retryStatuses', message: 'Bad.' })
  expect(ofRetry('backoffSeconds')?.field).toBe('retryBackoff')
  expect(ofRetry('factor')?.field).toBe('retryFactor')
  expect(ofRetry('maxBackoffSeconds')?.field).toBe('retryMaxBackoff')
  expect(invalid('rollout', 'window', 'days', '0')).toEqual({ field: 'windowDays', message: 'Bad.' })
})

test('a message at a field has the words and the times of the form', () => {
  const said = (message: string, ...path: string[]) =>
    placeRefusal({ __typename: 'InvalidInputError', message, path: ['rollout', ...path] })?.message
  expect(said('maxPerMinute must be a whole number.', 'maxPerMinute')).toBe('This must be a whole number.')
  expect(said('maxBackoffSeconds must be at least backoffSeconds', 'retry', 'maxBackoffSeconds')).toBe(
    'This must be at least the first wait.',
  )
  expect(said("unexpected '=' (line 1, column 10)", 'waves', '0', 'queryCondition')).toBe(
    "Unexpected '=' (line 1, column 10).",
  )
  expect(said('It opens at 2026-03-01T06:30:00.000Z.', 'window')).toMatch(/^It opens at 1 Mar 2026, /)
  expect(said('Give more than 21426 seconds, or a later start time.', 'window')).toBe(
    'Give 5 h 58 min, or a later start time.',
  )
})

test('what lies deeper in a field is named', () => {
  expect(invalid('updateTwin', 'tags', 'a', 'b')).toEqual({ field: 'tags', message: 'a.b: Bad.' })
  expect(invalid('updateTwin', 'properties', 'desired', 'x')).toEqual({ field: 'desired', message: 'x: Bad.' })
})

test('a condition that does not parse and an id that is taken have their fields', () => {
  expect(placeRefusal({ __typename: 'QueryConditionError', message: 'unexpected end' })).toEqual({
    field: 'condition',
    message: 'Unexpected end.',
  })
  expect(placeRefusal({ __typename: 'AlreadyExistsError', message: 'Taken.' })?.field).toBe('jobId')
})

test('a refusal about no field has no place', () => {
  expect(invalid('expect', 'fingerprint')).toBeUndefined()
  expect(invalid()).toBeUndefined()
  expect(placeRefusal({ __typename: 'LimitExceededError', message: 'Later.' })).toBeUndefined()
})

test('a refusal about a row of a list is shown in that row', () => {
  expect(invalid('name')?.field).toBe('name')
  expect(invalid('description')?.field).toBe('description')
  expect(invalid('labels')?.field).toBe('labels')
  expect(invalid('labels', '2', 'name')).toEqual({ field: 'labels.2.name', message: 'Bad.' })
  expect(invalid('labels', '0', 'value')?.field).toBe('labels.0.value')
  expect(invalid('rollout', 'maxPerMinute')?.field).toBe('maxPerMinute')
  expect(invalid('rollout', 'ramp')?.field).toBe('rampFrom')
  expect(invalid('rollout', 'ramp', 'from')?.field).toBe('rampFrom')
  expect(invalid('rollout', 'ramp', 'factor')?.field).toBe('rampFactor')
  expect(invalid('rollout', 'ramp', 'afterSucceeded')?.field).toBe('rampAfterSucceeded')
  expect(invalid('rollout', 'maxConcurrent')?.field).toBe('maxConcurrent')
  expect(invalid('rollout', 'budget', 'groupBy')?.field).toBe('budgetGroupBy')
  expect(invalid('rollout', 'budget', 'maxConcurrent')?.field).toBe('budgetMaxConcurrent')
  expect(invalid('rollout', 'waves')?.field).toBe('waves')
  expect(invalid('rollout', 'waves', '2')?.field).toBe('waves.2')
  expect(invalid('rollout', 'waves', '0', 'percent')?.field).toBe('waves.0.size')
  expect(invalid('rollout', 'waves', '0', 'gate', 'soakSeconds')?.field).toBe('waves.0.soak')
  expect(invalid('rollout', 'abort')?.field).toBe('abort')
  expect(invalid('rollout', 'abort', '1')?.field).toBe('abort.1')
  expect(invalid('rollout', 'abort', '1', 'percent')?.field).toBe('abort.1.percent')
  expect(invalid('rollout', 'abort', '0', 'on')?.field).toBe('abort.0.on')
})

test('a problem is left until its own field is changed', () => {
  const draft = {
    ...emptyDraft,
    labels: [
      { name: '', value: 'a' },
      { name: '', value: 'b' },
    ],
  }
  const problems = { condition: 'A', startAt: 'B', maxTime: 'C', 'labels.0.name': 'D', 'labels.1.name': 'E' }
  const left = (present: typeof draft) => Object.keys(problemsLeft(problems, draft, present))
  expect(left({ ...draft, methodName: 'x' })).toEqual(Object.keys(problems))
  expect(left({ ...draft, condition: '*', start: 'later', maxTimeUnit: 'd' })).toEqual([
    'labels.0.name',
    'labels.1.name',
  ])
  const rates = { maxPerMinute: 'A', rampFrom: 'B' }
  expect(problemsLeft(rates, emptyDraft, { ...emptyDraft, maxPerMinute: '5' })).toEqual({})
  expect(problemsLeft(rates, emptyDraft, { ...emptyDraft, rampFrom: '5' })).toEqual({})
  const renamed = { name: 'x', value: 'b' }
  expect(left({ ...draft, labels: [{ name: '', value: 'c' }, renamed] }).slice(3)).toEqual(['labels.0.name'])
  expect(left({ ...draft, labels: [{ name: '', value: 'a' }] }).slice(3)).toEqual(['labels.0.name'])
})
