import { NotFoundError } from '../../errors.ts'
import type { Listen } from '../../events/events.ts'
import type { TelemetryMessage } from '../../events/topics.ts'
import { overBudget } from '../../json/json-budget.ts'
import { utf8Text } from '../../utf8.ts'
import { builder } from '../builder.ts'
import { either, identityOf } from '../live/listen.ts'
import { live } from '../live/live.ts'
import { readThroughOutage } from '../live/through-outage.ts'
import { asWritten } from '../transport/written.ts'

/** Messages that wait for a client which is slow to take them. */
const maxWaiting = 100

/** Drops the oldest messages until the others are as few, and as small together, as may wait. The last one may. */
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
  description: 'A message that a device sent. It is kept nowhere.',
  fields: (t) => ({
    deviceId: t.exposeString('deviceId', { description: 'The device.' }),
    enqueuedTime: t.expose('enqueuedTime', { type: 'DateTime', description: 'When the hub took it.' }),
    properties: t.expose('properties', {
      type: 'JSON',
      description:
        "The message's properties, each a text: those of the application by their names, those of the system as `$.mid`, `$.ct` and so on.",
    }),
    contentType: t.string({
      description:
        '`application/json`: `body` is the JSON value that the message holds. Anything else, such as `application/octet-stream`: `body` is its bytes, as base64 text.',
      resolve: (message, _args, { deps }) => bodyOf(message, deps.limits.jsonDepth).contentType,
    }),
    body: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What it holds; `contentType` says how it stands here.',
      resolve: (message, _args, { deps }) => bodyOf(message, deps.limits.jsonDepth).body,
    }),
  }),
})

/** A body is read once, whichever of its two fields are asked for. */
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

/** The JSON text that a payload is. */
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
    // Both are what the device says of itself to services.
    authScopes: { operation: 'readTwins' },
    description: `What a device sends from now on, in its order. Of more than ${maxWaiting} messages that wait the oldest are lost: for a client that does not keep up, or for a database that was away when it was asked whether the device is still the same. Ends when the device is deleted, also if there is another of its name at once.`,
    args: {
      deviceId: t.arg.string({ required: true, description: 'The device. An unknown one is an error NOT_FOUND.' }),
    },
    subscribe: (_root, { deviceId }, context) => {
      const { db, events, limits } = context.deps
      const findGeneration = async (): Promise<string | undefined> => {
        const device = await db.prisma.device.findUnique({ select: { generationId: true }, where: { id: deviceId } })
        return device?.generationId
      }
      let generation: string | undefined
      const waiting: TelemetryMessage[] = []
      const mayBeGone: Listen<undefined> = (hear) =>
        either(identityOf(events, deviceId), events.listen('missed'))(() => hear(undefined))
      return live(context, either(events.listen('telemetry', deviceId), mayBeGone), {
        // Unlike rows, messages cannot be read again: they are put by, and all that came stand behind one key.
        keyOf(messages) {
          if (messages === undefined) return 'device'
          for (const message of messages) waiting.push(message)
          keepNewest(waiting, limits.telemetryBytes)
          return 'messages'
        },
        first: async () => {
          generation = await findGeneration()
          if (generation === undefined) throw new NotFoundError('device', deviceId)
          return []
        },
        async read(key) {
          if (key === 'messages') return waiting.splice(0)
          return (await readThroughOutage(context, findGeneration)) === generation ? [] : null
        },
      })
    },
    resolve: (message) => message,
  }),
)
