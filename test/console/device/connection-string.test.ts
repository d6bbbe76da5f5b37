import { expect, test } from 'vitest'
import { connectionStringOf, hubNameOf, mqttsPortOf } from '../../../src/console/device/connection-string.ts'

test('a connection string names the port unless SDKs use it anyway', () => {
  const usual = { hubName: 'hub.example', mqttsPort: mqttsPortOf('8883') }
  expect(connectionStringOf(usual, 'pump', 'a2V5')).toBe('HostName=hub.example;DeviceId=pump;SharedAccessKey=a2V5')
  const other = { hubName: 'hub.example', mqttsPort: mqttsPortOf('4613') }
  expect(connectionStringOf(other, 'pump', 'a2V5')).toBe(
    'HostName=hub.example;DeviceId=pump;SharedAccessKey=a2V5;GatewayHostName=hub.example:4613',
  )
})

test('the port is the usual one where the hub has not written it', () => {
  expect([undefined, '', '{{mqttsPort}}'].map(mqttsPortOf)).toEqual([8883, 8883, 8883])
})

test('the hub is named as the hub does itself, where it could say so', () => {
  expect(hubNameOf('hub.example', '127.0.0.1')).toBe('hub.example')
  expect(hubNameOf('{{hubHostName}}', 'console.example')).toBe('console.example')
  expect(hubNameOf(undefined, 'console.example')).toBe('console.example')
})
