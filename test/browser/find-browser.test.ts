import { expect, test } from 'vitest'
import { findBrowser } from '../support/find-browser.ts'

test('the browser that is named comes before those that are found, and those before none', () => {
  const debian = '/usr/bin/chromium'
  const google = '/usr/bin/google-chrome'
  expect(findBrowser({ CHROMIUM: '/opt/mine' }, () => true)).toBe('/opt/mine')
  expect(findBrowser({ CHROMIUM: '' }, (path) => path === google)).toBe(google)
  expect(findBrowser({}, (path) => path === google || path === debian)).toBe(debian)
  expect(findBrowser({}, () => false)).toBeUndefined()
})

test('a browser that is named and not there is an error: nobody names one to have its tests left out', () => {
  expect(() => findBrowser({ CHROMIUM: '/opt/typo' }, (path) => path !== '/opt/typo')).toThrow(
    'CHROMIUM names /opt/typo, which is not there.',
  )
})
