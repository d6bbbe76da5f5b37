import fc from 'fast-check'
import { generate, type Packet, parser } from 'mqtt-packet'
import { describe, expect, test } from 'vitest'
import {
  connectPacket,
  disconnectPacket,
  MalformedPacketError,
  type PacketHandler,
  pingRequestPacket,
  publishPacket,
  readPackets,
  subscribePacket,
} from '../../src/simulator/packets.ts'

const parse = (bytes: Buffer): Packet[] => {
  const packets: Packet[] = []
  const reader = parser({ protocolVersion: 4 })
  reader.on('packet', (packet) => packets.push(packet))
  expect(reader.parse(bytes)).toBe(0)
  return packets
}

const recorder = (): { heard: unknown[]; handler: PacketHandler } => {
  const heard: unknown[] = []
  return {
    heard,
    handler: {
      connack: (sessionPresent, returnCode) => heard.push({ sessionPresent, returnCode }),
      suback: (granted) => heard.push({ granted }),
      publish: (topic, payload) => heard.push({ topic, payload: payload.toString() }),
      pingresp: () => heard.push('pingresp'),
    },
  }
}

describe('packets a device writes', () => {
  test('CONNECT is read by another codec as it was meant', () => {
    const fields = { clientId: 'pümp', userName: 'hub/pümp/?api-version=1', password: 'S'.repeat(300) }
    for (const cleanSession of [true, false]) {
      const [packet] = parse(connectPacket({ ...fields, keepAliveSeconds: 1177, cleanSession }))
      expect(packet).toMatchObject({
        cmd: 'connect',
        protocolId: 'MQTT',
        protocolVersion: 4,
        clean: cleanSession,
        clientId: fields.clientId,
        username: fields.userName,
        keepalive: 1177,
      })
      expect(packet?.cmd === 'connect' && packet.password?.toString()).toBe(fields.password)
      expect(packet?.cmd === 'connect' && packet.will).toBeFalsy()
    }
  })

  test('SUBSCRIBE, PINGREQ and DISCONNECT are read by another codec as they were meant', () => {
    const packets = parse(Buffer.concat([subscribePacket(258, ['a/#', 'b/#']), pingRequestPacket, disconnectPacket]))
    expect(packets).toMatchObject([
      {
        cmd: 'subscribe',
        messageId: 258,
        subscriptions: [
          { topic: 'a/#', qos: 0 },
          { topic: 'b/#', qos: 0 },
        ],
      },
      { cmd: 'pingreq' },
      { cmd: 'disconnect' },
    ])
  })

  // The sizes at which the remaining length grows by a byte, and their neighbours.
  test.each([0, 120, 121, 122, 16_376, 16_377, 16_378, 2_097_144, 2_097_145])('PUBLISH carries %d bytes', (size) => {
    const payload = Buffer.alloc(size, 'x')
    const [packet] = parse(publishPacket('ü/t', payload))
    expect(packet).toMatchObject({ cmd: 'publish', topic: 'ü/t', qos: 0, retain: false, dup: false })
    expect(packet?.cmd === 'publish' && payload.equals(Buffer.from(packet.payload))).toBe(true)
  })
})

describe('packets a device reads', () => {
  test('a stream means the same however the network cuts it', () => {
    const stream = Buffer.concat([
      generate({ cmd: 'connack', sessionPresent: true, returnCode: 0 }),
      generate({ cmd: 'suback', messageId: 1, granted: [0, 128, 0] }),
      generate({ cmd: 'publish', topic: 'ü/t', payload: 'y'.repeat(300), qos: 0, retain: false, dup: false }),
      generate({ cmd: 'pingresp' }),
      generate({ cmd: 'publish', topic: 'empty', payload: '', qos: 0, retain: false, dup: false }),
    ])
    const whole = [
      { sessionPresent: true, returnCode: 0 },
      { granted: [0, 128, 0] },
      { topic: 'ü/t', payload: 'y'.repeat(300) },
      'pingresp',
      { topic: 'empty', payload: '' },
    ]
    const cuts = fc.array(fc.nat(stream.length), { maxLength: 12 })
    fc.assert(
      fc.property(cuts, (cuts) => {
        const { heard, handler } = recorder()
        const ends = [...cuts.sort((a, b) => a - b), stream.length]
        let rest = 0
        for (const end of ends) {
          const bytes = stream.subarray(rest)
          rest += readPackets(bytes, end - rest, handler)
        }
        expect(rest).toBe(stream.length)
        expect(heard).toStrictEqual(whole)
      }),
    )
  })

  test.each([
    ['a length of five bytes', [0x30, 0x80, 0x80, 0x80, 0x80, 0x01]],
    ['a PUBLISH shorter than its topic', [0x30, 3, 0, 9, 0x61]],
    ['a PUBLISH without a topic length', [0x30, 1, 0]],
    ['a PUBLISH at QoS 1, which it has not subscribed to', [0x32, 5, 0, 1, 0x61, 0, 1]],
    ['a CONNACK of three bytes', [0x20, 3, 0, 0, 0]],
    ['a SUBACK without return codes', [0x90, 2, 0, 1]],
    ['a packet only devices send', [0xc0, 0]],
    ['HTTP', [...Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')]],
  ])('%s is malformed', (_what, bytes) => {
    const { heard, handler } = recorder()
    expect(() => readPackets(Buffer.from(bytes), bytes.length, handler)).toThrow(MalformedPacketError)
    expect(heard).toStrictEqual([])
  })
})
