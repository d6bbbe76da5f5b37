import { existsSync } from 'node:fs'

/** Chromium without windows: it draws no toolbar for each page, and needs less than half of the processor's time. */
const withoutWindows = '/usr/bin/chromium-headless-shell'

/** Where browsers of the Chromium family are, on Debian and its like and on macOS. */
const places = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/**
 * The program to test the console with: the one that `CHROMIUM` names, else the first that is there; undefined without
 * any. A name that is wrong is an error: who gave it wants the tests to run. `shows`: what it has to show; only one with
 * windows shows notices on the desktop.
 */
export function findBrowser(
  shows: 'pages' | 'notices' = 'pages',
  env: Readonly<Record<string, string | undefined>> = process.env,
  isThere: (path: string) => boolean = existsSync,
): string | undefined {
  const given = env.CHROMIUM
  if (given === undefined || given === '') {
    return (shows === 'pages' ? [withoutWindows, ...places] : places).find(isThere)
  }
  if (!isThere(given)) throw new Error(`CHROMIUM names ${given}, which is not there.`)
  return shows === 'notices' && given.endsWith('headless-shell') ? undefined : given
}

/** What to say when there is none. */
export const withoutBrowser =
  'No browser: the tests in test/browser are left out. Install Chromium (Debian: apt-get install chromium), or name one by CHROMIUM.'
