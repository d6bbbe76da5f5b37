import { expect, test } from 'vitest'
import { operationRecord, recordOf, requestIdIn } from '../../src/log/request-record.ts'

const made = /^[\da-f]{32}$/
const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

test('the id of a request is that of its headers, in this order, and otherwise a random one', () => {
  const headers = { 'x-request-id': 'proxy-1', 'request-id': 'sdk-1', traceparent }
  expect(requestIdIn(headers)).toBe('proxy-1')
  expect(requestIdIn({ ...headers, 'x-request-id': undefined })).toBe('sdk-1')
  expect(requestIdIn({ traceparent })).toBe('4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7')
  expect(requestIdIn({})).toMatch(made)
  expect(requestIdIn({})).not.toBe(requestIdIn({}))
})

test.each([
  ['is empty', ''],
  ['is too long', 'x'.repeat(129)],
  ['has a line end', 'a\r\nset-cookie: b'],
  ['has a semicolon, at which clients of IoT Hub cut messages', 'a;b'],
  ['has a quotation mark', 'a"b'],
  ['has a space', 'a b'],
  ['is not ASCII', 'é'],
  ['was sent twice', 'a, b'],
])('an id that %s is not used', (_what, id) => {
  expect(requestIdIn({ 'x-request-id': id })).toMatch(made)
  expect(operationRecord({ id: 's' }, id, undefined).id).toMatch(/^s\/[\da-f]{32}$/)
})

test.each([
  ['of another version', traceparent.replace('00-', '01-')],
  ['without a trace', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`],
  ['without a span', `00-4bf92f3577b34da6a3ce929d0e0e4736-${'0'.repeat(16)}-01`],
  ['in upper case', traceparent.toUpperCase()],
  ['with more behind it', `${traceparent}-x`],
])('a traceparent %s is not used', (_what, text) => {
  expect(requestIdIn({ traceparent: text })).toMatch(made)
})

test('a request keeps its record, and its operations on a WebSocket have ids below its own', () => {
  const request = { headers: {} }
  expect(recordOf(request)).toBe(recordOf(request))
  expect(operationRecord({ id: 'socket' }, '7', 'policy:service')).toEqual({ id: 'socket/7', actor: 'policy:service' })
})
