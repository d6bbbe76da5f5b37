import { expect, test } from 'vitest'
import { deviceView, serviceView, type TwinRow } from '../../src/twin/document.ts'

const row: TwinRow = {
  deviceId: 'pump-001',
  tags: { site: 'north' },
  desired: { interval: 30 },
  desiredMetadata: { $lastUpdated: '2024-05-01T10:00:00.000Z' },
  desiredVersion: 2,
  reported: { battery: 81.5 },
  reportedMetadata: { $lastUpdated: '2024-05-01T09:00:00.000Z' },
  reportedVersion: 9,
  version: 11,
  etagVersion: 3,
}

test('a device sees its properties and their versions, and neither tags nor metadata', () => {
  expect(deviceView(row)).toEqual({
    desired: { interval: 30, $version: 2 },
    reported: { battery: 81.5, $version: 9 },
  })
})

test('a service sees the metadata too', () => {
  expect(serviceView(row)).toEqual({
    desired: { interval: 30, $metadata: row.desiredMetadata, $version: 2 },
    reported: { battery: 81.5, $metadata: row.reportedMetadata, $version: 9 },
  })
})
