import { expect, test } from 'vitest'
import { emptyDraft } from '../../../src/console/pages/schedule/draft.ts'
import { readRequest } from '../../../src/console/pages/schedule/request.ts'
import { draftFromTemplate, unknownIn } from '../../../src/console/pages/schedule/template-draft.ts'

const template = {
  queryCondition: "group('pumps')",
  targets: 'AT_CREATION' as const,
  onOverlap: 'QUEUE' as const,
  maxExecutionTimeInSeconds: 5_400,
  name: 'Reboot pumps',
  description: null,
  labels: [{ name: 'team', value: 'north' }],
  cloudToDeviceMethod: {
    methodName: 'reboot',
    payload: { delay: 5 },
    responseTimeoutInSeconds: 20,
    connectTimeoutInSeconds: 60,
  },
  updateTwin: null,
  skipCompliant: false,
  rollout: null,
}
const rollout = {
  maxPerMinute: 600,
  ramp: { from: 10, factor: 1.5, afterSucceeded: 50 },
  maxConcurrent: 20,
  approval: true,
  budget: { groupBy: 'tags.site', maxConcurrent: 1 },
  retry: { maxAttempts: 3, on: ['GatewayTimeout', '503'], backoffSeconds: 5, factor: 1, maxBackoffSeconds: 60 },
  waves: [
    { devices: 10, gate: { succeededPercent: 95, soakSeconds: 600, approval: true, onFailure: 'CANCEL' } },
    { percent: 5, gate: { soakSeconds: 60 } },
    { queryCondition: "tags.site = 'lab'" },
    {},
  ],
  abort: [
    { on: ['FAILED', 'REFUSED'], percent: 3, afterDevices: 100, action: 'CANCEL' },
    { errorCode: 'GatewayTimeout', percent: 0, afterDevices: 1, action: 'PAUSE' },
    { responseStatus: 503, percent: 1.5, afterDevices: 5, action: 'PAUSE' },
  ],
}

test('a draft of a template asks for what the template has', () => {
  const { rollout: _, updateTwin: __, description: ___, skipCompliant: ____, ...members } = template
  expect(readRequest(draftFromTemplate(template))).toEqual({ request: members })
  expect(readRequest(draftFromTemplate({ ...template, rollout }))).toEqual({ request: { ...members, rollout } })
})

test('the hub leaves out what has its default, and so may a template', () => {
  const given = { waves: [{ devices: 1, gate: {} }, {}], abort: [{ on: ['FAILED'], percent: 1, action: 'PAUSE' }] }
  const draft = draftFromTemplate({ ...template, rollout: given })
  expect(draft.waves).toMatchObject([{ takes: 'devices', size: '1', succeeded: '', soak: '', onFailure: 'PAUSE' }])
  expect(draft.abort).toMatchObject([{ on: ['FAILED'], percent: '1', afterDevices: '1' }])
  const ramped = draftFromTemplate({ ...template, rollout: { maxPerMinute: 60, ramp: { from: 1, afterSucceeded: 5 } } })
  expect(ramped).toMatchObject({ rampFrom: '1', rampAfterSucceeded: '5', rampFactor: '' })
})

test('a rollout of another version is read as far as it is understood, and says what is not', () => {
  const other = {
    maxPerMinute: 'many',
    ramp: { from: 'few' },
    waves: 'all',
    abort: [null],
    tides: { high: 3 },
    moons: null,
  }
  expect(unknownIn({ rollout: other })).toEqual(['tides'])
  expect(unknownIn({ rollout })).toEqual([])
  expect(unknownIn({ rollout: null })).toEqual([])
  const ofJob = { __typename: 'JobRollout', maxPerMinute: 60, tides: { high: 3 } }
  expect(unknownIn({ rollout: ofJob })).toEqual(['tides'])
  const draft = draftFromTemplate({ ...template, rollout: other })
  expect(draft).toMatchObject({ maxPerMinute: '', rampFrom: '', waves: [] })
  expect(draftFromTemplate({ ...template, rollout: { retry: { maxAttempts: 3, on: ['Dance', 5] } } })).toMatchObject({
    retryAttempts: '3',
    retryCodes: [],
    retryStatuses: 'Dance',
    retryBackoff: '',
  })
  expect(draftFromTemplate({ ...template, rollout: [] }).waves).toEqual(emptyDraft.waves)
})
