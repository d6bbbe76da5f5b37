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
  const texts = { desired: '{"interval": 30}', desiredVersion: 2, reported: '{}', reportedVersion: 9 }
  expect(deviceView(texts)).toBe('{"desired":{"interval":30,"$version":2},"reported":{"$version":9}}')
})

test('a device sees a long section as the database prints it', () => {
  const long = `{"a": "${'x'.repeat(10_000)}"}`
  expect(deviceView({ desired: '{}', desiredVersion: 1, reported: long, reportedVersion: 3 })).toBe(
    `{"desired":{"$version":1},"reported":${long.slice(0, -1)},"$version":3}}`,
  )
})

test('a service sees the metadata too', () => {
  expect(serviceView(row)).toEqual({
    desired: { interval: 30, $metadata: row.desiredMetadata, $version: 2 },
    reported: { battery: 81.5, $metadata: row.reportedMetadata, $version: 9 },
  })
})
