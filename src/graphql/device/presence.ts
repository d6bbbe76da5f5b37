import { queryFromInfo } from '@pothos/plugin-prisma'
import { readInTime } from '../../database/bounded-read.ts'
import { findDeviceIds } from '../../device/selection-store.ts'
import { compileDeviceCondition } from '../../query/device-condition.ts'
import { builder } from '../builder.ts'
import { askerOf } from '../context.ts'
import { either } from '../live/listen.ts'
import { live } from '../live/live.ts'
import { sharedReads } from '../live/shared-reads.ts'
import { readThroughOutage } from '../live/through-outage.ts'
import { Device, selectsAll } from './device.ts'

/** Devices of a batch. */
const maxDevices = 100

type Batch = {
  readonly devices: readonly (typeof Device.$inferType)[]
  readonly deletedDeviceIds: readonly string[]
  readonly initial: boolean
}

/** What may have changed: the presence of some devices, the identity of one, or, without either, anything. */
type Change = { readonly deviceIds?: readonly string[]; readonly deviceId?: string }

const DevicePresenceUpdate = builder.objectRef<Batch>('DevicePresenceUpdate').implement({
  description: 'Devices and whether they are here.',
  fields: (t) => ({
    devices: t.field({
      type: [Device],
      complexity: { field: 1, multiplier: maxDevices },
      description: `The devices as they are now, by their names: at most ${maxDevices}.`,
      resolve: ({ devices }) => [...devices],
    }),
    deletedDeviceIds: t.exposeStringList('deletedDeviceIds', {
      description: `Devices that were deleted, whether they met the condition or not: at most ${maxDevices}.`,
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
    description: `Which devices are here: first all that meet the condition, in batches by their names, the last of which has fewer than ${maxDevices} and may be empty; then those that came or went, or were enabled, disabled or changed otherwise, and meet the condition now, and the names of those that were deleted. A device that changes while the client is slow is told once, as it is then. When the hub may have missed something, the present state comes again, from its beginning. A condition that does not parse is an error of the request, whose \`extensions\` are \`{ code: "QUERY_CONDITION", line, column }\`.`,
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
      const condition = compileDeviceCondition(queryCondition ?? '*')
      const { select } = queryFromInfo({
        context,
        info,
        typeName: 'Device',
        paths: [['devices']],
        select: { id: true },
      })
      const find = async (which: { readonly cursor?: string; readonly among?: readonly string[] }) => {
        const page = { forward: true, limit: maxDevices, cursor: undefined, ...which }
        const ids = await readInTime(context.deps, askerOf(context), (reader) => findDeviceIds(reader, condition, page))
        const devices = await db.prisma.device.findMany({ select, where: { id: { in: ids } }, orderBy: { id: 'asc' } })
        return { devices, rest: ids.length < maxDevices ? undefined : ids.at(-1) }
      }

      /** Where the rest of the present state begins; undefined when all of it has been told. */
      let cursor: string | undefined = ''
      /** Whether it has to be told anew. */
      let missed = false
      /** Devices to be told of when those are, and which of them may be deleted: each once, so never more than there are. */
      const changed = new Map<string, { readonly mayBeGone: boolean }>()
      /** The event that all of them come from, if it was one. */
      let source: object | undefined

      const findDeleted = async (ids: string[]): Promise<readonly string[]> => {
        if (ids.length === 0) return []
        const present = await db.prisma.device.findMany({ select: { id: true }, where: { id: { in: ids } } })
        return ids.filter((deviceId) => !present.some(({ id }) => id === deviceId))
      }
      const readInitial = async (after: string): Promise<Batch[]> => {
        const { devices, rest } = await find({ cursor: after })
        cursor = rest
        return [{ devices, deletedDeviceIds: [], initial: true }]
      }
      const readChanged = async (): Promise<Batch[]> => {
        while (changed.size > 0) {
          const among = [...changed].slice(0, maxDevices)
          const whole = among.length === changed.size ? source : undefined
          for (const [id] of among) changed.delete(id)
          source = undefined
          const batch = await changedDevices.after(context, whole, async () => {
            const { devices } = await find({ among: among.map(([id]) => id) })
            const found = new Set(devices.map(({ id }) => id))
            const doubtful = among.filter(([id, { mayBeGone }]) => mayBeGone && !found.has(id)).map(([id]) => id)
            return { devices, deletedDeviceIds: await findDeleted(doubtful), initial: false }
          })
          if (batch.devices.length + batch.deletedDeviceIds.length > 0) return [batch]
        }
        return []
      }
      const identityOrAll = either<Change, Change>(events.listen('identity'), events.listen('missed'))
      return live(context, either<Change, Change>(events.listen('presence'), identityOrAll), {
        keyOf(event) {
          const { deviceIds = [], deviceId } = event
          source = changed.size === 0 ? event : undefined
          for (const id of deviceIds) if (!changed.has(id)) changed.set(id, { mayBeGone: false })
          if (deviceId !== undefined) changed.set(deviceId, { mayBeGone: true })
          else if (event.deviceIds === undefined) missed = true
          return 'changed'
        },
        first: () => readInitial(''),
        async read() {
          if (missed) cursor = ''
          missed = false
          const from = cursor
          return from === undefined ? readChanged() : readThroughOutage(context, () => readInitial(from))
        },
        again: () => (cursor !== undefined || changed.size > 0 ? 'changed' : undefined),
      })
    },
    resolve: (batch) => batch,
  }),
)
