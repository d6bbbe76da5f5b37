// The tour in a terminal: npm start -- <condition> [method]. HUB_URL and HUB_TOKEN say where the hub is and who asks.

import { WebSocket } from 'ws'
import { fixedSession } from '../../clients/session.ts'
import { tour } from './tour.ts'

const usage = `Usage: npm start -- <condition> [method]
The method, reboot if none is named, is called on every device that meets the condition, such as "tags.building = 43".`

const { HUB_URL: url = 'http://localhost:4000/graphql', HUB_TOKEN: token } = process.env
const [queryCondition, methodName = 'reboot'] = process.argv.slice(2)
if (!queryCondition) {
  console.error(usage)
  process.exit(2)
}
try {
  const settings = { url, session: fixedSession(token), webSocketImpl: WebSocket, queryCondition, methodName }
  if (!(await tour(settings, console.log))) process.exitCode = 1
} catch (error) {
  console.error(`${url}: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
}
