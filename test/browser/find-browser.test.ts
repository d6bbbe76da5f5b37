import { expect, test } from 'vitest'
import { findBrowser } from '../support/find-browser.ts'

test('the browser that is named comes before those that are found, and of these the one without windows', () => {
  const withoutWindows = '/usr/bin/chromium-headless-shell'
  const debian = '/usr/bin/chromium'
  const google = '/usr/bin/google-chrome'
  expect(findBrowser('pages', { CHROMIUM: '/opt/mine' }, () => true)).toBe('/opt/mine')
  expect(findBrowser('pages', { CHROMIUM: '' }, (path) => path === google)).toBe(google)
  expect(findBrowser('pages', {}, (path) => path === google || path === debian)).toBe(debian)
  expect(findBrowser('pages', {}, () => true)).toBe(withoutWindows)
  expect(findBrowser('pages', {}, () => false)).toBeUndefined()
})

test('notices are shown by a browser with windows only', () => {
  expect(findBrowser('notices', {}, () => true)).toBe('/usr/bin/chromium')
  expect(findBrowser('notices', { CHROMIUM: '/opt/mine' }, () => true)).toBe('/opt/mine')
  expect(findBrowser('notices', { CHROMIUM: '/opt/chromium-headless-shell' }, () => true)).toBeUndefined()
})

test('a browser that is named and not there is an error: nobody names one to have its tests left out', () => {
  expect(() => findBrowser('pages', { CHROMIUM: '/opt/typo' }, (path) => path !== '/opt/typo')).toThrow(
    'CHROMIUM names /opt/typo, which is not there.',
  )
})
