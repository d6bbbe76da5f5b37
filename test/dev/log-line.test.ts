import { expect, test } from 'vitest'
import { logLine } from '../../dev/log-line.ts'

test('a line of the log is shown as time, level, message and fields', () => {
  const line = '{"level":30,"time":"2026-11-28T17:58:59.123Z","port":4000,"msg":"ready"}'
  expect(logLine(line)).toEqual({ text: '17:58:59 info ready {"port":4000}', isReady: true })
})

test('an error is shown with its stack', () => {
  const line =
    '{"level":50,"time":"2026-11-28T17:58:59.123Z","err":{"type":"Error","message":"no","stack":"Error: no\\n    at x"},"msg":"failed"}'
  expect(logLine(line)).toEqual({ text: '17:58:59 ERROR failed\nError: no\n    at x', isReady: false })
})

test('what is not a line of the log is shown as it is', () => {
  expect(logLine('SyntaxError: {').text).toBe('SyntaxError: {')
  expect(logLine('{ "half": ').text).toBe('{ "half": ')
})
