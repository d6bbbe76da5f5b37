import { readInTime } from '../../database/bounded-read.ts'
import { findDevicePage } from '../../device/selection-store.ts'
import { findExistingIds } from '../../device/store.ts'
import { withGroups } from '../../device-group/commands.ts'
import { isEverything } from '../../scope.ts'
import { builder } from '../builder.ts'
import { selectedColumns } from '../columns.ts'
import { compileInTurn } from '../condition-in-turn.ts'
import { askerOf } from '../context.ts'
import { pacedRows } from '../live/paced-rows.ts'
import { either } from '../live/select-events.ts'
import { sharedReads } from '../live/shared-reads.ts'
import { readThroughOutage } from '../live/through-outage.ts'
import { encodeNodeId } from '../node-id.ts'
import { Device, selectsAll } from './device.ts'
import { createSentDevices, type SentDevices } from './sent-devices.ts'

/** Maximum number of devices in one update. */
const maxDevices = 100

type Batch = {
  readonly devices: readonly (typeof Device.$inferType)[]
  readonly deletedDeviceIds: readonly string[]
  readonly initial: boolean
}

/**
 * A possible change: the presence of some devices or the identity of one device. Without either, any device may have
 * changed.
 */
type Change = { readonly deviceIds?: readonly string[]; readonly deviceId?: string }

const DevicePresenceUpdate = builder.objectRef<Batch>('DevicePresenceUpdate').implement({
  description: 'Devices, with their current connection state.',
  fields: (t) => ({
    devices: t.field({
      type: [Device],
      complexity: { field: 1, multiplier: maxDevices },
      description: `The devices in their current state, ordered by device ID: at most ${maxDevices}.`,
      resolve: ({ devices }) => [...devices],
    }),
    deletedDeviceIds: t.exposeStringList('deletedDeviceIds', {
      description: `The IDs of devices that were deleted, whether or not they matched the condition: at most ${maxDevices}. For a caller with a scope: the IDs of devices that this subscription has sent and that were deleted or have left the scope. Only the 10,000 devices that were sent last are considered.`,
    }),
    deletedIds: t.idList({
      description: 'The global IDs of the devices in `deletedDeviceIds`, to remove them from client caches.',
      resolve: ({ deletedDeviceIds }) => deletedDeviceIds.map((deviceId) => encodeNodeId('Device', deviceId)),
    }),
    initial: t.exposeBoolean('initial', {
      description:
        'True for updates with the current state of all matching devices. False for updates with devices that changed.',
    }),
  }),
})

const changedDevices = sharedReads<Batch>()

/** The batch, with only those ends that concern devices which this subscription has sent. */
function withoutUnsent(batch: Batch, sent: SentDevices): Batch {
  const deletedDeviceIds = sent.take(batch.deletedDeviceIds)
  sent.add(batch.devices.map(({ id }) => id))
  return deletedDeviceIds.length === batch.deletedDeviceIds.length ? batch : { ...batch, deletedDeviceIds }
}

builder.subscriptionField('devicePresenceChanged', (t) =>
  t.field({
    type: DevicePresenceUpdate,
    authScopes: (_root, { queryCondition }) => ({
      right: selectsAll(queryCondition) ? ['readDevices', 'readTwins'] : 'readTwins',
    }),
    description: `Which devices are connected. First sends all devices that match the condition, in batches ordered by device ID. The last batch has fewer than ${maxDevices} devices and may be empty. Then sends the devices that connected, disconnected, were enabled or disabled or changed otherwise and match the condition now, and the IDs of deleted devices. A device that changes several times while the client is slow is sent once, in its latest state. When the hub may have missed changes, it sends the current state of all matching devices again, from the beginning. A condition that does not parse is a request error with the \`extensions\` \`{ code: "QUERY_CONDITION", line, column }\`.`,
    args: {
      queryCondition: t.arg.string({
        defaultValue: '*',
        description:
          'Which devices, as in `devices`. With a condition on `connectionState`, devices that no longer match are not sent. Any condition other than `*` requires the right serviceConnect.',
      }),
    },
    subscribe: async (_root, { queryCondition }, context, info) => {
      const { db, events, throttles } = context.deps
      const { scope } = context.viewer
      throttles.take(selectsAll(queryCondition) ? 'registry' : 'queries')
      const text = await withGroups(context.deps, queryCondition ?? '*')
      const condition = await compileInTurn(context, text)
      /** An equal subscription may have begun when its groups had other conditions. */
      const isShared = text === (queryCondition ?? '*')
      const columns = selectedColumns(info, 'Device')
      const find = async (which: { readonly cursor?: string; readonly among?: readonly string[] }) => {
        const page = { ascending: true, limit: maxDevices, cursor: undefined, ...which }
        const devices = await readInTime(context.deps, askerOf(context), (reader) =>
          findDevicePage(reader, scope, columns, condition, page),
        )
        return { devices, rest: devices.length < maxDevices ? undefined : devices.at(-1)?.id }
      }

      /** The place of the next device of the current state to send. Undefined when all of it has been sent. */
      let cursor: string | undefined = ''
      /** Whether the current state has to be sent again. */
      let missed = false
      /**
       * Changed devices to send after the current state, and which of them may be deleted. Each occurs once, so there
       * are never more than the hub has devices.
       */
      const changed = new Map<string, { readonly mayBeGone: boolean }>()
      /** The devices whose end this subscription may report. Undefined: all. */
      const sent = isEverything(scope) ? undefined : createSentDevices()
      /** The event that caused all entries of `changed`, if there was only one event. */
      let source: object | undefined

      const findDeleted = async (ids: string[]): Promise<readonly string[]> => {
        if (ids.length === 0) return []
        const present = await findExistingIds(db.reads, scope, ids)
        return ids.filter((deviceId) => !present.has(deviceId))
      }
      const readInitial = async (after: string): Promise<Batch[]> => {
        const { devices, rest } = await find({ cursor: after })
        sent?.add(devices.map(({ id }) => id))
        cursor = rest
        return [{ devices, deletedDeviceIds: [], initial: true }]
      }
      const readChanged = async (): Promise<Batch[]> => {
        while (changed.size > 0) {
          const among = [...changed].slice(0, maxDevices)
          const whole = isShared && among.length === changed.size ? source : undefined
          for (const [id] of among) changed.delete(id)
          source = undefined
          const batch = await changedDevices.after(context, whole, async () => {
            const { devices } = await find({ among: among.map(([id]) => id) })
            const found = new Set(devices.map(({ id }) => id))
            // Any change may take a device out of a scope.
            const mayHaveLeft = sent !== undefined
            const doubtful = among
              .filter(([id, { mayBeGone }]) => (mayBeGone || mayHaveLeft) && !found.has(id))
              .map(([id]) => id)
            return { devices, deletedDeviceIds: await findDeleted(doubtful), initial: false }
          })
          const mine = sent === undefined ? batch : withoutUnsent(batch, sent)
          if (mine.devices.length + mine.deletedDeviceIds.length > 0) return [mine]
        }
        return []
      }
      const identityOrAll = either<Change, Change>(events.listen('identity'), events.listen('missed'))
      return pacedRows(context, either<Change, Change>(events.listen('presence'), identityOrAll), {
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
