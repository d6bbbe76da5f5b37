import { expect, test } from 'vitest'
import { type TwinDevice, twinDocument } from '../../src/twin/service-document.ts'

const twin = {
  deviceId: 'pump-001',
  tags: { site: 'north' },
  desired: { interval: 30 },
  desiredMetadata: { $lastUpdated: '2024-05-01T10:00:00.000Z', $lastUpdatedVersion: 2 },
  desiredVersion: 2,
  reported: {},
  reportedMetadata: { $lastUpdated: '2024-05-01T09:00:00.000Z' },
  reportedVersion: 1,
  version: 2,
  etagVersion: 1,
}

const device: TwinDevice = {
  id: 'pump-001',
  etagVersion: 3,
  status: 'enabled',
  statusReason: null,
  statusUpdatedTime: null,
  authentication: { type: 'sas' },
  iotEdge: false,
  modelId: '',
  connectionState: 'disconnected',
  lastActivityTime: null,
}

test('a twin document has the members of IoT Hub, in its order and spelling', () => {
  expect(JSON.stringify(twinDocument(device, twin), null, 1)).toBe(
    JSON.stringify(
      {
        deviceId: 'pump-001',
        etag: 'AAAAAAAAAAE=',
        deviceEtag: 'AAAAAAAAAAM=',
        status: 'enabled',
        statusUpdateTime: '0001-01-01T00:00:00Z',
        connectionState: 'Disconnected',
        lastActivityTime: '0001-01-01T00:00:00Z',
        cloudToDeviceMessageCount: 0,
        authenticationType: 'sas',
        x509Thumbprint: { primaryThumbprint: null, secondaryThumbprint: null },
        modelId: '',
        version: 2,
        capabilities: { iotEdge: false },
        tags: { site: 'north' },
        properties: {
          desired: { interval: 30, $metadata: twin.desiredMetadata, $version: 2 },
          reported: { $metadata: twin.reportedMetadata, $version: 1 },
        },
      },
      null,
      1,
    ),
  )
})

test('what is known of the device is in it', () => {
  const x509Thumbprint = { primaryThumbprint: 'AA', secondaryThumbprint: null }
  const known = {
    ...device,
    status: 'disabled',
    statusReason: 'broken',
    statusUpdatedTime: new Date('2024-05-01T10:00:00Z'),
    authentication: { type: 'selfSigned', x509Thumbprint },
    connectionState: 'connected',
    lastActivityTime: new Date('2024-05-01T11:00:00.5Z'),
  }
  expect(twinDocument(known, twin)).toMatchObject({
    status: 'disabled',
    statusReason: 'broken',
    statusUpdateTime: '2024-05-01T10:00:00.000Z',
    authenticationType: 'selfSigned',
    x509Thumbprint,
    connectionState: 'Connected',
    lastActivityTime: '2024-05-01T11:00:00.500Z',
  })
})
