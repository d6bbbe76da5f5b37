import { describe, expect, test } from 'vitest'
import { createFrameCount } from '../../src/limits/websocket-frames.ts'

/** A frame of a client, masked with zeros, whose payload looks like heads of frames. */
function frame(length: number): Buffer {
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8
  const head = Buffer.alloc(2 + extended)
  head[0] = 0x82
  head[1] = 0x80 | (extended === 0 ? length : extended === 2 ? 126 : 127)
  if (extended === 2) head.writeUInt16BE(length, 2)
  if (extended === 8) head.writeBigUInt64BE(BigInt(length), 2)
  return Buffer.concat([head, Buffer.alloc(4), Buffer.alloc(length, 0x80)])
}

describe('frames are counted', () => {
  test.each([0, 1, 125, 126, 127, 65_535, 65_536, 200_000])('with payloads of %i bytes', (length) => {
    const framesIn = createFrameCount()
    expect(framesIn(Buffer.concat([frame(length), frame(length), frame(0)]))).toBe(3)
  })

  test('however they are cut', () => {
    const bytes = Buffer.concat([frame(0), frame(126), frame(3), frame(70_000), frame(0)])
    for (const size of [1, 2, 3, 5, 64, 4096]) {
      const framesIn = createFrameCount()
      let frames = 0
      for (let at = 0; at < bytes.length; at += size) frames += framesIn(bytes.subarray(at, at + size))
      expect(frames).toBe(5)
    }
  })

  test('without a mask, too', () => {
    expect(createFrameCount()(Buffer.from([0x89, 0, 0x8a, 1, 0x89, 0x89, 0]))).toBe(3)
  })
})
