import { twinDetail } from '../audit/entry.ts'
import { readDevice } from '../device/commands.ts'
import type { JsonObject } from '../json/json.ts'
import { everything } from '../scope.ts'
import { checkTwinPatch } from '../twin/check-patch.ts'
import { patchTwin, readTwin, replaceTwin } from '../twin/commands.ts'
import { twinDocument } from '../twin/service-document.ts'
import { answer, type Call, type Route } from './route.ts'
import { twinChangeFrom, twinReplacementFrom } from './twin-wire.ts'
import { memberIn } from './wire.ts'

async function answerTwin({ deps, id }: Call): Promise<Response> {
  const document = twinDocument(await readDevice(deps, everything, id), await readTwin(deps, everything, id))
  return answer(document, { etag: `"${document.etag}"` })
}

async function patch(call: Call): Promise<Response> {
  const { deps, id, body, headers } = call
  await patchTwin(deps, everything, {
    deviceId: id,
    patch: checkTwinPatch(twinChangeFrom(body, []), [], deps.limits),
    ifMatch: headers.get('if-match') ?? '*',
  })
  return answerTwin(call)
}

async function replace(call: Call): Promise<Response> {
  const { deps, id, body, headers } = call
  await replaceTwin(deps, everything, {
    deviceId: id,
    sections: checkTwinPatch(twinReplacementFrom(body), [], deps.limits),
    ifMatch: headers.get('if-match') ?? '*',
  })
  return answerTwin(call)
}

/** The paths of the members in a twin that a client sends, without their values. */
function sectionsOf(body: unknown): JsonObject {
  return twinDetail({ tags: memberIn(body, 'tags'), desired: memberIn(memberIn(body, 'properties'), 'desired') })
}

/** Device twins. */
export const twinRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/twins/{deviceId}',
    operationId: 'getTwin',
    summary: 'The twin of a device.',
    right: 'readTwins',
    throttle: 'twinReads',
    answer: { status: 200, schema: 'Twin' },
    handle: answerTwin,
  },
  {
    method: 'PATCH',
    path: '/twins/{deviceId}',
    operationId: 'updateTwin',
    summary: 'Merges tags and desired properties into a twin. null removes a member. Returns the whole twin.',
    right: 'writeTwins',
    throttle: 'twinUpdates',
    audit: sectionsOf,
    parameters: ['If-Match'],
    body: { schema: 'Twin' },
    answer: { status: 200, schema: 'Twin' },
    handle: patch,
  },
  {
    method: 'PUT',
    path: '/twins/{deviceId}',
    operationId: 'replaceTwin',
    summary: 'Replaces the tags and the desired properties of a twin, each if given. Returns the whole twin.',
    right: 'writeTwins',
    throttle: 'twinUpdates',
    audit: sectionsOf,
    parameters: ['If-Match'],
    body: { schema: 'Twin' },
    answer: { status: 200, schema: 'Twin' },
    handle: replace,
  },
]
