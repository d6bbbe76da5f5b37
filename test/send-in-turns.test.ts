import { once } from 'node:events'
import { createServer } from 'node:http'
import { expect, test } from 'vitest'
import { systemClock } from '../src/clock.ts'
import { bytesInTurns, endInTurns } from '../src/send-in-turns.ts'

/** Counts how often other work had its turn. */
function countingClock() {
  let turns = 0
  const giveWay = (): Promise<void> => {
    turns++
    return systemClock.giveWay()
  }
  return { giveWay, turns: () => turns }
}

test('a long text is encoded in several turns, and a short one in none', async () => {
  const clock = countingClock()
  expect(String(await bytesInTurns(clock, ['{"a":', '"ä"', '}']))).toBe('{"a":"ä"}')
  expect(String(await bytesInTurns(clock, ['{}']))).toBe('{}')
  expect(clock.turns()).toBe(0)
  const pieces = Array.from({ length: 20 }, (_, index) => `${index}€`.repeat(25_000))
  expect((await bytesInTurns(clock, pieces)).equals(Buffer.from(pieces.join('')))).toBe(true)
  expect(clock.turns()).toBeGreaterThan(5)
})

test('pieces that are bytes already are sent as they are, between texts and alone', async () => {
  const bytes = Buffer.from('"ä€"'.repeat(50_000))
  for (const pieces of [[bytes], ['[', bytes.subarray(0, 6), ']'], ['[', bytes, ',"ö",', bytes, ']']]) {
    const sent = await bytesInTurns(countingClock(), pieces)
    expect(sent.equals(Buffer.concat(pieces.map((piece) => Buffer.from(piece))))).toBe(true)
  }
})

/** Serves one response by `handle`, and requests it. */
async function served(handle: Parameters<typeof createServer>[1], use: (url: string) => Promise<void>): Promise<void> {
  const server = createServer(handle)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  try {
    await use(`http://127.0.0.1:${port}`)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

test('a long body is written in several turns, and arrives whole', async () => {
  const clock = countingClock()
  const body = Buffer.from(Array.from({ length: 400_000 }, (_, index) => index).join())
  await served(
    (_request, response) => {
      response.writeHead(200, { 'content-length': body.length })
      void endInTurns(clock, response, body)
    },
    async (url) => {
      const response = await fetch(url)
      expect(Buffer.from(await response.arrayBuffer()).equals(body)).toBe(true)
      expect(response.headers.get('transfer-encoding')).toBe(null)
    },
  )
  expect(clock.turns()).toBeGreaterThan(5)
})

test('a client that disconnects is sent no more', async () => {
  let turns = 0
  const gone = new AbortController()
  let done: Promise<void> = Promise.resolve()
  await served(
    (_request, response) => {
      response.writeHead(200, { 'content-length': 100 * 1024 * 1024 })
      const clock = {
        giveWay: async () => {
          turns++
          if (turns === 2) {
            gone.abort()
            await once(response, 'close')
          }
        },
      }
      done = endInTurns(clock, response, Buffer.alloc(100 * 1024 * 1024))
    },
    async (url) => {
      await expect(fetch(url, { signal: gone.signal }).then((response) => response.arrayBuffer())).rejects.toThrow()
      await done
    },
  )
  expect(turns).toBe(2)
})
