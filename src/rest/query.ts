import { InvalidInputError } from '../errors.ts'
import { runStatement } from '../statement/commands.ts'
import { pageHeaders, pageRequest } from './paging.ts'
import { answerPage } from './printed-response.ts'
import { askerOf, type Call, type Route } from './route.ts'
import { membersOf } from './wire.ts'

async function query(call: Call): Promise<Response> {
  const { query: text } = membersOf(call.body, [])
  if (typeof text !== 'string')
    throw new InvalidInputError(['query'], 'query must be a string such as SELECT * FROM devices.')
  const { deps, choices } = call
  const asker = askerOf(call)
  const page = await runStatement(deps, asker, text, pageRequest(call), { strict: choices.strictQuery })
  return await answerPage(asker.turns, page.items, pageHeaders(page.itemType, page.continuation))
}

/** Statements of the query language, over devices and over device jobs. */
export const queryRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/devices/query',
    operationId: 'query',
    summary:
      'Runs a statement of the query language and returns a page of its rows. x-ms-item-type is the type of the rows.',
    right: 'readTwins',
    throttle: 'queries',
    audit: 'changes nothing',
    parameters: ['x-ms-max-item-count', 'x-ms-continuation', 'pageSize', 'continuationToken'],
    body: { schema: 'Query' },
    answer: { status: 200, schema: 'Rows' },
    handle: query,
  },
]
