import { expect, test } from 'vitest'
import { createHandshakes, handshakePatience } from '../../src/limits/handshakes.ts'
import { createTestClock } from '../support/clock.ts'

function setUp(most: number) {
  const clock = createTestClock()
  const cut: string[] = []
  const networks: string[] = []
  const handshakes = createHandshakes(clock, { most, onCut: (network) => networks.push(network) })
  return {
    clock,
    cut,
    networks,
    /** Begins a handshake with a name, and gives what ends it. */
    begin: (name: string, network = '192.0.2.7') => handshakes.begin(network, () => cut.push(name)),
    /** Lets the patience pass. */
    async wait(ms = handshakePatience) {
      clock.advance(ms)
      await clock.giveWay()
    },
  }
}

test('above the limit, the oldest handshakes that have waited for two seconds are cut', async () => {
  const { begin, wait, cut, networks } = setUp(2)
  for (const name of ['first', 'second', 'third', 'fourth']) begin(name)
  await wait(handshakePatience - 1)
  expect(cut).toEqual([])
  begin('fifth')
  await wait(1)
  expect(cut).toEqual(['first', 'second', 'third'])
  expect(networks).toEqual(Array(3).fill('192.0.2.7'))
})

test('a handshake that begins while the others are already too many has its own two seconds', async () => {
  const { begin, wait, cut } = setUp(1)
  const ends = [begin('first'), begin('second')]
  await wait(handshakePatience - 1)
  begin('third')
  begin('fourth')
  for (const end of ends) end()
  await wait(1)
  expect(cut).toEqual([])
  await wait()
  expect(cut).toEqual(['third'])
})

test('handshakes that end in time are not cut, however many a fleet begins at once', async () => {
  const { begin, wait, cut } = setUp(2_000)
  const ends = Array.from({ length: 20_000 }, (_value, index) => begin(`device ${index}`))
  await wait(handshakePatience - 1)
  for (const end of ends.slice(0, 18_000)) end()
  await wait()
  expect(cut).toEqual([])
})

test('networks are counted separately, and again after all their handshakes have ended', async () => {
  const { begin, wait, cut, networks } = setUp(1)
  const ends = [begin('first'), begin('second'), begin('other', '192.0.2.8')]
  for (const end of ends) end()
  begin('third')
  begin('fourth')
  begin('other', '192.0.2.8')
  await wait()
  expect([cut, networks]).toEqual([['third'], ['192.0.2.7']])
})
