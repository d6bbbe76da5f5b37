import { expect, test } from 'vitest'
import { changedInput, checkTemplate, type JobTemplateInput, requestFrom } from '../../src/job-template/template.ts'
import { defaultLimits } from '../../src/limits/limits.ts'

const now = new Date('2026-11-30T00:00:00Z')
const check = (input: JobTemplateInput, id: unknown = 'nightly') => checkTemplate(id, input, now, defaultLimits)
const reboot = {
  queryCondition: "group('pumps') AND tags.site = 'north'",
  cloudToDeviceMethod: { methodName: 'reboot' },
  rollout: { maxPerMinute: 60 },
  name: 'Night',
  labels: [{ name: 'team', value: 'north' }],
}

test('a template has the defaults of jobs, and the groups that its condition names', () => {
  expect(check(reboot)).toEqual({
    id: 'nightly',
    type: 'scheduleDeviceMethod',
    request: { methodName: 'reboot', payload: null, responseTimeoutInSeconds: 30, connectTimeoutInSeconds: 0 },
    queryCondition: reboot.queryCondition,
    maxExecutionTimeSeconds: 3600,
    targets: 'atStart',
    onOverlap: 'parallel',
    skipCompliant: false,
    rollout: { maxPerMinute: 60 },
    name: 'Night',
    description: null,
    labels: { team: 'north' },
    groups: ['pumps'],
  })
})

test('a template names the groups of its waves, too, each once', () => {
  const waves = [{ queryCondition: "group('early')" }, { queryCondition: "group('pumps')" }, {}]
  const template = check({ ...reboot, rollout: { waves } })
  expect(template).toMatchObject({ rollout: { waves }, groups: ['pumps', 'early'] })
  expect(requestFrom(template, {}).rollout).toEqual({ waves })
})

test.each<[string, JobTemplateInput, readonly string[]]>([
  [
    'a condition of a wave that does not parse',
    { ...reboot, rollout: { waves: [{ queryCondition: "group('early') AND" }, {}] } },
    ['rollout', 'waves', '0', 'queryCondition'],
  ],
  ['no operation', { queryCondition: '*' }, []],
  ['two operations', { ...reboot, updateTwin: { tags: { a: 1 } } }, []],
  ['no condition', { ...reboot, queryCondition: undefined }, ['queryCondition']],
  ['an empty patch', { queryCondition: '*', updateTwin: {} }, ['updateTwin']],
  ['a rate of 0', { ...reboot, rollout: { maxPerMinute: 0 } }, ['rollout', 'maxPerMinute']],
  ['too long a time', { ...reboot, maxExecutionTimeInSeconds: 2_592_001 }, ['maxExecutionTimeInSeconds']],
])('%s is refused', (_what, input, path) => {
  expect(() => check(input)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT', path }))
})

test('an ID with other characters, and a condition that does not parse, are refused', () => {
  const message = 'A template id must consist of 1 to 64 ASCII letters, digits and dashes.'
  expect(() => check(reboot, 'a b')).toThrow(expect.objectContaining({ path: ['templateId'], message }))
  expect(() => check({ ...reboot, queryCondition: "group('a') AND" })).toThrow('unexpected end of condition')
})

test('a job has the members of its template, and others where they are given', () => {
  const template = check(reboot)
  const request = requestFrom(template, { jobId: 'one', name: 'Once', queryCondition: null, labels: null })
  expect(request).toMatchObject({
    type: 'scheduleDeviceMethod',
    jobId: 'one',
    queryCondition: reboot.queryCondition,
    cloudToDeviceMethod: { methodName: 'reboot' },
    maxExecutionTimeInSeconds: 3600,
    rollout: { maxPerMinute: 60 },
    name: 'Once',
    labels: [{ name: 'team', value: 'north' }],
  })
  expect(requestFrom(template, { queryCondition: '*' }).queryCondition).toBe('*')
})

test('a change keeps what is left out, and null removes what may be missing', () => {
  const changed = check(changedInput(check(reboot), { name: null, rollout: null, labels: null, queryCondition: '*' }))
  expect(changed).toMatchObject({ name: null, rollout: null, labels: null, queryCondition: '*', groups: [] })
  expect(changed).toMatchObject({ type: 'scheduleDeviceMethod', request: { methodName: 'reboot' } })
  expect(check(changedInput(check(reboot), {}))).toEqual(check(reboot))
})

test('a change to no maximum execution time keeps the one that the template has', () => {
  const template = check({ ...reboot, maxExecutionTimeInSeconds: 60 })
  const changed = check(changedInput(template, { maxExecutionTimeInSeconds: null, name: 'Day' }))
  expect(changed).toEqual({ ...template, name: 'Day' })
})

test('a template that gets the other operation loses the one that it had', () => {
  const changed = check(changedInput(check(reboot), { updateTwin: { properties: { desired: { on: true } } } }))
  expect(changed).toMatchObject({ type: 'scheduleUpdateTwin', request: { desired: { on: true } } })
  const back = check(changedInput(changed, { cloudToDeviceMethod: { methodName: 'stop' }, updateTwin: null }))
  expect(back).toMatchObject({ type: 'scheduleDeviceMethod', request: { methodName: 'stop' } })
  expect(check(changedInput(changed, { updateTwin: null })).request).toEqual(changed.request)
})
