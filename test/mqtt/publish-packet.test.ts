import fc from 'fast-check'
import mqttPacket from 'mqtt-packet'
import { expect, test } from 'vitest'
import { encodePublish } from '../../src/mqtt/publish-packet.ts'

// A general encoder is the judge of every byte.
const encodesAsOthersDo = (topic: string, payload: string): boolean =>
  mqttPacket
    .generate({ cmd: 'publish', topic, payload, qos: 0, retain: false, dup: false })
    .equals(encodePublish(topic, payload))

test('topics and payloads of any characters are encoded as bytes of UTF-8', () => {
  const text = fc.string({ unit: 'grapheme' })
  fc.assert(fc.property(text, text, (topic, payload) => encodesAsOthersDo(`t${topic}`, payload)))
})

test.each([127, 128, 16_383, 16_384, 2_097_151, 2_097_152])('a remaining length of %i is right', (length) => {
  expect(encodesAsOthersDo('t', 'x'.repeat(length - 3))).toBe(true)
})
