import { expect, test } from 'vitest'
import { createDeliveryPace } from '../../../src/graphql/live/delivery-pace.ts'

/** A pace on a hub that always works. The result is the pause after so many milliseconds, of which some were spent on sending. */
function busyPace() {
  let time = 0
  const pace = createDeliveryPace({ elapsed: () => time, worked: () => time })
  return (ms: number, sending: number): number => {
    pace.count(sending)
    time += ms
    return pace.pause()
  }
}

test('the pause is as long as sending needs to take a 20th of the time, and at most half a second', () => {
  const after = busyPace()
  expect(after(500, 50)).toBe(200)
  expect(after(500, 25)).toBe(200)
  expect(after(500, 100)).toBe(500)
  expect(after(500, 2)).toBe(0)
})

test('the pause stays for half a second, and is over when no states were sent for a second', () => {
  const after = busyPace()
  expect(after(500, 50)).toBe(200)
  expect(after(499, 300)).toBe(200)
  expect(after(502, 0)).toBe(0)
})

test('there is no pause while sending is most of the work', () => {
  const after = busyPace()
  expect(after(500, 250)).toBe(0)
})
