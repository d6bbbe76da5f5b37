import type { Duplex } from 'node:stream'
import type { Deps } from '../deps.ts'
import { fullBucket, spendFrom } from '../throttle/bucket.ts'

/** Seconds of the rate that a client may use at once. */
const burstSeconds = 2

/**
 * Limits the frames per second of a WebSocket. Each frame has a cost of its own, however short it is, and pings, pongs
 * and empty frames reach no code that would count them. `hold` pauses reading from the WebSocket until the function
 * that it returns is called.
 */
export function limitFrames(
  connection: Duplex,
  { clock, limits }: Pick<Deps, 'clock' | 'limits'>,
  hold: () => () => void,
): void {
  const now = (): number => clock.now().getTime()
  const framesIn = createFrameCount()
  let bucket = fullBucket({ amount: limits.webSocketFrames * burstSeconds, seconds: burstSeconds }, now())
  let held = false
  const wait = async (ms: number): Promise<void> => {
    held = true
    const release = hold()
    const closed = new AbortController()
    const onClose = (): void => closed.abort()
    connection.on('close', onClose)
    await clock.sleep(ms, closed.signal)
    connection.off('close', onClose)
    held = false
    release()
  }
  connection.on('data', (chunk: Buffer) => {
    const spent = spendFrom(bucket, framesIn(chunk), now())
    bucket = spent.bucket
    if (spent.waitMs > 0 && !held) void wait(spent.waitMs)
  })
}

/** Counts how many frames (RFC 6455, 5.2) begin in each chunk that a client sends. */
export function createFrameCount(): (chunk: Uint8Array) => number {
  /** Bytes of the current frame that follow its length. */
  let remaining = 0
  /** The next byte of its head: the first, the one with the short length, or one of the long length. */
  let next: 'first' | 'second' | 'length' = 'first'
  let lengthBytes = 0
  let length = 0
  let mask = 0

  const endOfHead = (): void => {
    remaining = length + mask
    next = 'first'
  }
  return (chunk) => {
    let frames = 0
    let at = 0
    while (at < chunk.length) {
      if (remaining > 0) {
        const step = Math.min(remaining, chunk.length - at)
        remaining -= step
        at += step
        continue
      }
      const byte = chunk[at++] ?? 0
      if (next === 'first') {
        frames++
        next = 'second'
      } else if (next === 'second') {
        mask = byte >= 0x80 ? 4 : 0
        length = byte & 0x7f
        lengthBytes = length === 126 ? 2 : length === 127 ? 8 : 0
        if (lengthBytes === 0) endOfHead()
        else {
          length = 0
          next = 'length'
        }
      } else {
        length = length * 256 + byte
        lengthBytes--
        if (lengthBytes === 0) endOfHead()
      }
    }
    return frames
  }
}
