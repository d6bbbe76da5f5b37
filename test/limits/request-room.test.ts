import { describe, expect, test } from 'vitest'
import { LimitExceededError } from '../../src/errors.ts'
import { announcedBytes, createRequestRoom } from '../../src/limits/request-room.ts'

describe('the room for requests', () => {
  test('is a part of the whole for each caller', () => {
    const room = createRequestRoom({ requestBytes: 10 })
    room.take('a', 8)
    room.take('a', 2)
    expect(() => room.take('a', 1)).toThrow(LimitExceededError)
    room.take('b', 10)
  })

  const large = 64 * 1024
  const givenFullRoom = () => {
    const room = createRequestRoom({ requestBytes: large })
    for (const caller of ['a', 'b', 'c', 'd']) room.take(caller, large)
    return room
  }

  test('has an end for all callers together', () => {
    expect(() => givenFullRoom().take('e', large)).toThrow(LimitExceededError)
  })

  test('is never so full of the requests of others that a small one is refused', () => {
    const room = givenFullRoom()
    for (let count = 0; count < 4; count++) room.take('e', 16 * 1024)
    expect(() => room.take('e', 1)).toThrow(LimitExceededError)
    room.take('f', 1)
  })

  test('is given back once, however often that is said', () => {
    const room = createRequestRoom({ requestBytes: 10 })
    const release = room.take('a', 6)
    room.take('a', 4)
    release()
    release()
    expect(() => room.take('a', 7)).toThrow(LimitExceededError)
    room.take('a', 6)
  })
})

test('a body has the length that it announces, or else the longest that is allowed', () => {
  const of = (init: Record<string, string>) => announcedBytes({ headers: new Headers(init) }, 100)
  expect([of({ 'content-length': '7' }), of({ 'content-length': '700' }), of({})]).toEqual([7, 100, 100])
})
