// The tour in a page: index.html#condition. The page and the hub share an origin, by the proxy in vite.config.ts.

import { tour } from './tour.ts'

const output = document.querySelector('output')
const say = (line: string): void => output?.append(`${line}\n`)
const url = new URL('/graphql', location.href).href
const queryCondition = decodeURIComponent(location.hash.slice(1))
// A page does not begin anew by itself when only this part of its address changes.
addEventListener('hashchange', () => location.reload())
if (queryCondition === '')
  say('Add a condition to the address, such as #tags.building = 43: those devices are rebooted.')
else tour({ url, queryCondition, methodName: 'reboot' }, say).catch((error: unknown) => say(String(error)))
