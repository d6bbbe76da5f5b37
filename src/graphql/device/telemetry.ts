import { findGeneration } from '../../device/store.ts'
import { NotFoundError } from '../../errors.ts'
import type { Listen } from '../../events/events.ts'
import type { TelemetryMessage } from '../../events/topics.ts'
import { asWritten } from '../../json/json-as-written.ts'
import { overBudget } from '../../json/json-budget.ts'
import { isEverything } from '../../scope.ts'
import { utf8Text } from '../../utf8.ts'
import { builder } from '../builder.ts'
import { pacedRows } from '../live/paced-rows.ts'
import { either, identityOf, presenceOf } from '../live/select-events.ts'
import { readThroughOutage } from '../live/through-outage.ts'

/** Maximum number of messages that wait for a slow client. */
const maxWaiting = 100

/**
 * Drops the oldest messages until the rest is within both limits, of count and of bytes. The newest message always
 * stays.
 */
function keepNewest(waiting: TelemetryMessage[], maxBytes: number): void {
  let bytes = 0
  const lastDropped = waiting.findLastIndex(({ size }, index) => {
    bytes += size
    return waiting.length - index > maxWaiting || (bytes > maxBytes && index < waiting.length - 1)
  })
  waiting.splice(0, lastDropped + 1)
}

type Body = { readonly contentType: string; readonly body: unknown }

const Telemetry = builder.objectRef<TelemetryMessage>('Telemetry').implement({
  description: 'A telemetry message from a device. The hub does not store telemetry.',
  fields: (t) => ({
    deviceId: t.exposeString('deviceId', { description: 'The ID of the device that sent the message.' }),
    enqueuedTime: t.expose('enqueuedTime', { type: 'DateTime', description: 'When the hub received the message.' }),
    properties: t.expose('properties', {
      type: 'JSON',
      description:
        'The properties of the message, an object of strings. Application properties have their own names. System properties have names such as `$.mid` and `$.ct`.',
    }),
    contentType: t.string({
      description:
        'The format of `body`. With `application/json`, `body` is the JSON value of the message. With any other type, such as `application/octet-stream`, `body` is the bytes of the message as Base64 text.',
      resolve: (message, _args, { deps }) => bodyOf(message, deps.limits.jsonDepth).contentType,
    }),
    body: t.field({
      type: 'JSON',
      nullable: true,
      description: 'The content of the message, which may be null. `contentType` defines its format.',
      resolve: (message, _args, { deps }) => bodyOf(message, deps.limits.jsonDepth).body,
    }),
  }),
})

/** Bodies that were read. A body is read once, for both of its fields. */
const bodies = new WeakMap<TelemetryMessage, Body>()

function bodyOf(message: TelemetryMessage, depth: number): Body {
  const body = bodies.get(message) ?? readBody(message, depth)
  bodies.set(message, body)
  return body
}

function readBody({ payload, properties }: TelemetryMessage, depth: number): Body {
  const text = jsonIn(payload, depth)
  if (text !== undefined) return { contentType: 'application/json', body: asWritten(text) }
  const claimed = properties['$.ct']
  return {
    contentType: claimed === undefined || /^application\/json\b/i.test(claimed) ? 'application/octet-stream' : claimed,
    body: Buffer.from(payload).toString('base64'),
  }
}

/** The JSON text in a payload, or undefined for other payloads. */
function jsonIn(payload: Uint8Array, depth: number): string | undefined {
  if (overBudget(payload, { bytes: payload.length, members: Number.POSITIVE_INFINITY, depth }) !== undefined) {
    return undefined
  }
  const text = utf8Text(payload) ?? ''
  try {
    JSON.parse(text)
    return text
  } catch {
    return undefined
  }
}

builder.subscriptionField('telemetry', (t) =>
  t.field({
    type: Telemetry,
    // Telemetry and reported properties are both data that the device sends to services.
    authScopes: { right: 'readTwins' },
    description: `Messages that a device sends from now on, in the order in which it sends them. At most ${maxWaiting} messages wait, because the client is slow or because the database was unavailable when the hub checked whether the device still exists. When more messages wait, the oldest are dropped. Completes when the device is deleted, even if another device with the same ID is created at once, or leaves the scope of the caller. Messages that still wait then are dropped if the caller has a scope.`,
    args: {
      deviceId: t.arg.string({
        required: true,
        description: 'The device ID. An unknown device is a request error NOT_FOUND.',
      }),
    },
    subscribe: (_root, { deviceId }, context) => {
      const { db, events, limits } = context.deps
      const { scope } = context.viewer
      const isNarrowed = !isEverything(scope)
      const find = () => findGeneration(db.reads, scope, deviceId)
      let generation: string | undefined
      const waiting: TelemetryMessage[] = []
      const identity = either<object, object>(identityOf(events, deviceId), events.listen('missed'))
      // Any of its properties may decide whether it is in the scope.
      const properties = either<object, object>(events.listen('twin', deviceId), presenceOf(events, deviceId))
      const mayBeGone: Listen<undefined> = (listener) =>
        (isNarrowed ? either(identity, properties) : identity)(() => listener(undefined))
      /** Whether the device may have left the scope since the last check began. */
      let inDoubt = false
      const isGone = async (): Promise<boolean> => {
        do {
          inDoubt = false
          if ((await readThroughOutage(context, find)) !== generation) return true
        } while (isNarrowed && inDoubt)
        return false
      }
      return pacedRows(context, either(events.listen('telemetry', deviceId), mayBeGone), {
        // Messages cannot be read again, unlike rows. They are stored here, and one key represents all of them.
        keyOf(messages) {
          if (messages === undefined) {
            inDoubt = true
            return 'device'
          }
          for (const message of messages) waiting.push(message)
          keepNewest(waiting, limits.telemetryBytes)
          return 'messages'
        },
        first: async () => {
          generation = await find()
          if (generation === undefined) throw new NotFoundError('device', deviceId)
          return []
        },
        async read(key) {
          if (key === 'messages' && !isNarrowed) return waiting.splice(0)
          if (inDoubt && (await isGone())) return null
          // One at a time: after the device was seen to change, none leaves until it has been checked again.
          return key === 'messages' ? waiting.splice(0, 1) : []
        },
        again: () => (waiting.length > 0 ? 'messages' : undefined),
      })
    },
    resolve: (message) => message,
  }),
)
