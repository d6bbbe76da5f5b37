import { plainDevice, type TestDevice } from './fleet.ts'

const battery = ($lastUpdated: string) => ({ battery: { $lastUpdated } })

/** Five devices that differ in all that conditions and statements can ask, by short names. */
export const sampleTwins: Readonly<Record<string, TestDevice>> = {
  P1: {
    ...plainDevice('pump-001'),
    connectionState: 'connected',
    lastActivityTime: '2024-05-01T10:00:00.000Z',
    tags: { site: 'north', floor: 3, zone: 'A1', critical: true, building: { wing: 'east' }, labels: ['x', 'y'] },
    desired: { fw: { version: '1.2.0', rollout: 25 }, interval: 30 },
    desiredVersion: 4,
    reported: { fw: { version: '1.2.0' }, battery: 81.5, temp: 21, online: true },
    reportedVersion: 9,
    reportedMetadata: battery('2024-05-01T09:00:00Z'),
  },
  P2: {
    ...plainDevice('pump-002'),
    lastActivityTime: '2024-04-20T08:00:00.000Z',
    tags: { site: 'north', floor: '3', zone: 'B2' },
    desired: { fw: { version: '1.2.0' }, interval: 60 },
    desiredVersion: 2,
    reported: { fw: { version: '1.1.9' }, battery: 15 },
    reportedVersion: 2,
    reportedMetadata: battery('2024-04-20T08:00:00Z'),
  },
  V9: {
    ...plainDevice('Valve-9'),
    status: 'disabled',
    lastActivityTime: '2023-12-31T23:59:59.000Z',
    authenticationType: 'selfSigned',
    primaryThumbprint: 'AA',
    iotEdge: true,
    tags: { site: 'south', floor: 10, group: 'g1', 'my-tag': 'hyphen', 'odd key?': 1 },
    reported: { battery: 'low' },
    reportedVersion: 2,
    reportedMetadata: battery('2023-12-31T00:00:00Z'),
  },
  OB: {
    ...plainDevice("O'Brien"),
    connectionState: 'connected',
    lastActivityTime: '2024-05-02T00:00:00.000Z',
    tags: { site: "O'Hare", floor: 0, critical: false },
    desired: { interval: 30 },
    desiredVersion: 2,
    reported: { battery: 0 },
    reportedVersion: 2,
    reportedMetadata: battery('2024-05-02T00:00:00Z'),
  },
  NU: plainDevice('new-unit'),
}
