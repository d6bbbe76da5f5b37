import { InvalidInputError } from '../errors.ts'
import { runStatement } from '../statement/commands.ts'
import { pageHeaders, pageRequest } from './paging.ts'
import { answer, askerOf, type Call, type Route } from './route.ts'
import { membersOf } from './wire.ts'

async function query(call: Call): Promise<Response> {
  const { query: text } = membersOf(call.body, [])
  if (typeof text !== 'string') throw new InvalidInputError(['query'], 'query is text: SELECT … FROM devices …')
  const { deps, choices } = call
  const page = await runStatement(deps, askerOf(call), text, pageRequest(call), { strict: choices.strictQuery })
  return answer(page.items, pageHeaders(page.itemType, page.continuation))
}

/** Statements of the query language, over devices and over device jobs. */
export const queryRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/devices/query',
    operationId: 'query',
    summary: 'A page of the rows that a statement of the query language selects; x-ms-item-type says what they are.',
    operation: 'readTwins',
    throttle: 'queries',
    isPage: true,
    parameters: ['x-ms-max-item-count', 'x-ms-continuation', 'pageSize', 'continuationToken'],
    body: { schema: 'Query' },
    answer: { status: 200, schema: 'Rows' },
    handle: query,
  },
]
