import { queryFromInfo } from '@pothos/plugin-prisma'
import { findDeviceIds } from '../device/selection-store.ts'
import { compileCondition } from '../query/compiler.ts'
import { deviceFields } from '../query/fields.ts'
import { parseCondition } from '../query/parser.ts'
import { builder } from './builder.ts'
import { Device, selectsAll } from './device.ts'
import { live } from './live.ts'
import { sharedReads } from './shared-reads.ts'

/** Devices of a batch. */
const maxDevices = 100

type Batch = { readonly devices: readonly (typeof Device.$inferType)[]; readonly initial: boolean }

const DevicePresenceUpdate = builder.objectRef<Batch>('DevicePresenceUpdate').implement({
  description: 'Devices and whether they are here.',
  fields: (t) => ({
    devices: t.field({
      type: [Device],
      complexity: { field: 1, multiplier: maxDevices },
      description: `The devices as they are now, by their names: at most ${maxDevices}.`,
      resolve: ({ devices }) => [...devices],
    }),
    initial: t.exposeBoolean('initial', {
      description: 'True while the present state of all devices is told, false for those that changed.',
    }),
  }),
})

const changedDevices = sharedReads<Batch>()

builder.subscriptionField('devicePresenceChanged', (t) =>
  t.field({
    type: DevicePresenceUpdate,
    authScopes: (_root, { queryCondition }) => ({
      operation: selectsAll(queryCondition) ? ['readDevices', 'readTwins'] : 'readTwins',
    }),
    description: `Which devices are here: first all that meet the condition, in batches by their names, the last of which has fewer than ${maxDevices} and may be empty; then those that came or went and meet the condition now. A device that changes while the client is slow is told once, as it is then. A condition that does not parse is an error of the request, whose \`extensions\` are \`{ code: "QUERY_CONDITION", line, column }\`.`,
    args: {
      queryCondition: t.arg.string({
        defaultValue: '*',
        description:
          'Which devices, as in `devices`. One about the connection state itself hides those that have left it. Anything but `*` needs the right serviceConnect.',
      }),
    },
    subscribe: (_root, { queryCondition }, context, info) => {
      const { db, events, throttles } = context.deps
      throttles.take(selectsAll(queryCondition) ? 'registry' : 'queries')
      const condition = compileCondition(parseCondition(queryCondition ?? '*'), deviceFields)
      const { select } = queryFromInfo({
        context,
        info,
        typeName: 'Device',
        paths: [['devices']],
        select: { id: true },
      })
      const find = async (which: { readonly cursor?: string; readonly among?: readonly string[] }) => {
        const page = { forward: true, limit: maxDevices, cursor: undefined, ...which }
        const ids = await findDeviceIds(db.reads, condition, page)
        const devices = await db.prisma.device.findMany({ select, where: { id: { in: ids } }, orderBy: { id: 'asc' } })
        return { devices, rest: ids.length < maxDevices ? undefined : ids.at(-1) }
      }

      /** Where the rest of the present state begins; undefined when all of it has been told. */
      let cursor: string | undefined = ''
      /** Devices to be told of when those are: each once, so never more than there are. */
      const changed = new Set<string>()
      /** The event that all of them come from, if it was one. */
      let source: object | undefined

      const readInitial = async (after: string): Promise<Batch[]> => {
        const { devices, rest } = await find({ cursor: after })
        cursor = rest
        return [{ devices, initial: true }]
      }
      const readChanged = async (): Promise<Batch[]> => {
        while (changed.size > 0) {
          const among = [...changed].slice(0, maxDevices)
          const whole = among.length === changed.size ? source : undefined
          for (const id of among) changed.delete(id)
          source = undefined
          const read = async (): Promise<Batch> => ({ devices: (await find({ among })).devices, initial: false })
          const batch = await changedDevices.after(context, whole, read)
          if (batch.devices.length > 0) return [batch]
        }
        return []
      }
      return live(context, events.listen('presence'), {
        keyOf(event) {
          source = changed.size === 0 ? event : undefined
          for (const id of event.deviceIds) changed.add(id)
          return 'changed'
        },
        first: () => readInitial(''),
        read: async () => (cursor === undefined ? readChanged() : readInitial(cursor)),
        again: () => (cursor !== undefined || changed.size > 0 ? 'changed' : undefined),
      })
    },
    resolve: (batch) => batch,
  }),
)
