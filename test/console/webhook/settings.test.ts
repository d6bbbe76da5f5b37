import { expect, test } from 'vitest'
import { newSettings, readSettings, typedFrom } from '../../../src/console/webhook/settings.ts'

const typed = { ...newSettings, url: ' https://ops.example.com/hook ' }
const threshold = { ...typed, events: ['JOB_THRESHOLD' as const] }

test('settings are read as the hub takes them, without a threshold unless its event is chosen', () => {
  expect(readSettings({ ...typed, share: 'nonsense', description: ' ' })).toEqual({
    url: 'https://ops.example.com/hook',
    events: ['JOB_ENDED'],
    failureShare: null,
    minimumDevices: null,
    description: null,
  })
  expect(readSettings({ ...threshold, share: '0.7', minimum: '1', description: ' on call ' })).toMatchObject({
    failureShare: 0.007,
    minimumDevices: 1,
    description: 'on call',
  })
})

test('what is wrong is said at its field', () => {
  for (const url of ['', 'ops.example.com', 'ftp://a', 'https://']) {
    expect(readSettings({ ...typed, url })).toEqual({ problems: { url: expect.stringContaining('https://') } })
  }
  expect(readSettings({ ...typed, events: [] })).toEqual({ problems: { events: 'Choose at least one event.' } })
  for (const share of ['', '-1', '100', '5 %', 'NaN']) {
    expect(readSettings({ ...threshold, share })).toHaveProperty('problems.share')
  }
  for (const minimum of ['', '0', '1.5', 'some']) {
    expect(readSettings({ ...threshold, minimum })).toHaveProperty('problems.minimum')
  }
})

test('the settings of a webhook are the same when nothing is changed', () => {
  const webhook = {
    id: 'i',
    webhookId: 'w',
    url: 'https://ops.example.com/hook',
    events: ['JOB_THRESHOLD' as const],
    failureShare: 0.07,
    minimumDevices: 3,
    description: null,
    enabled: true,
    disabledReason: null,
    createdBy: 'anna',
    createdTime: '2026-11-30T12:00:00.000Z',
  }
  const { url, events, failureShare, minimumDevices, description } = webhook
  expect(typedFrom(webhook).share).toBe('7')
  expect(readSettings(typedFrom(webhook))).toEqual({ url, events, failureShare, minimumDevices, description })
})
