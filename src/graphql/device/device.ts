import { readInTime, readPage } from '../../database/bounded-read.ts'
import { countDevices, findAllDevices, findDevicePage } from '../../device/selection-store.ts'
import { authenticationOf, findSelectedDevices, type SelectedDevice } from '../../device/store.ts'
import { withGroups } from '../../device-group/commands.ts'
import { etagOf } from '../../etag.ts'
import { isEverything } from '../../scope.ts'
import { builder } from '../builder.ts'
import { readsColumns, selectedColumns } from '../columns.ts'
import { compileInTurn } from '../condition-in-turn.ts'
import { type KeysetList, pageArguments, pageComplexity, resolvePage, selectsRows } from '../connection.ts'
import { askerOf } from '../context.ts'
import { mayFail } from '../may-fail.ts'
import { OrderDirection } from '../order-direction.ts'
import { existing, rowsByKey } from '../rows.ts'
import { DeviceAuthentication } from './authentication.ts'

// Objects

/** Whether a device may connect. */
export const DeviceStatus = builder.enumType('DeviceStatus', {
  description: 'Whether a device may connect.',
  values: {
    ENABLED: { value: 'enabled', description: 'The device may connect.' },
    DISABLED: { value: 'disabled', description: 'The device may not connect. Its connection is closed.' },
  } as const,
})

const ConnectionState = builder.enumType('ConnectionState', {
  description: 'Whether a device is connected now.',
  values: {
    CONNECTED: { value: 'connected', description: 'The device is connected.' },
    DISCONNECTED: { value: 'disconnected', description: 'The device is not connected.' },
  } as const,
})

/** Declares the columns of a device that a field reads. */
export const ofDevice = readsColumns<SelectedDevice>

/** Reads the device with this ID, with the fields that the client selects. */
export const findDevice = rowsByKey('Device', findSelectedDevices, ({ id }) => id)

/** The same for a device that existed just now. */
export const readDevice = existing('device', findDevice)

/**
 * A device. Viewers with the right to devices or to twins see it: a twin document contains all fields but the
 * authentication.
 */
export const Device = builder.node(builder.objectRef<SelectedDevice>('Device'), {
  id: { resolve: ({ id }) => id },
  loadWithoutCache: (id, context, info) => findDevice(context, info, id),
  description: 'A device: an identity that may connect to the hub, and the data about it.',
  authScopes: { right: ['readDevices', 'readTwins'] },
  fields: (t) => ({
    deviceId: t.exposeString('id', {
      description: 'The device ID, chosen by the client that created the device: 1 to 128 characters, case-sensitive.',
    }),
    status: t.field({
      type: DeviceStatus,
      ...ofDevice('status'),
      description: 'Whether the device may connect.',
      resolve: ({ status }) => status,
    }),
    statusReason: t.exposeString('statusReason', {
      nullable: true,
      description: 'The reason for the status: at most 128 characters. Null when no reason was given.',
    }),
    connectionState: t.field({
      type: ConnectionState,
      ...ofDevice('connectionState'),
      description: 'Whether the device is connected now. A lost connection is detected after its keep-alive time.',
      resolve: ({ connectionState }) => connectionState,
    }),
    lastActivityTime: t.expose('lastActivityTime', {
      type: 'DateTime',
      nullable: true,
      description: 'Time of the last connect or disconnect. Null when the device has never connected.',
    }),
    generationId: t.exposeString('generationId', {
      description: 'Distinguishes this device from an earlier, deleted device with the same ID.',
    }),
    etag: t.string({
      ...ofDevice('etagVersion'),
      description: 'The etag for `ifMatch`. Changes with each change of the identity. The twin has its own etag.',
      resolve: ({ etagVersion }) => etagOf(etagVersion),
    }),
    authentication: t.field({
      type: DeviceAuthentication,
      nullable: true, // A viewer without the right loses this field, not the whole device.
      authScopes: { right: 'readDevices' },
      ...ofDevice('id', 'authenticationType', 'primaryKey', 'secondaryKey', 'primaryThumbprint', 'secondaryThumbprint'),
      description:
        'How the device authenticates. Requires the right registryRead. Without it this field is null and the response contains an error.',
      resolve: (device) => ({ ...authenticationOf(device), deviceId: device.id }),
    }),
  }),
})

// Queries

builder.queryField('device', (t) =>
  t.field({
    type: Device,
    nullable: true,
    authScopes: { right: ['readDevices', 'readTwins'] },
    description: 'The device with this ID. Null when it does not exist.',
    args: { deviceId: t.arg.string({ required: true, description: 'The device ID, case-sensitive.' }) },
    resolve: (_root, { deviceId }, context, info) => {
      context.deps.throttles.take('registry')
      return findDevice(context, info, deviceId)
    },
  }),
)

const DeviceConnection = builder.connectionObject(
  {
    type: Device,
    name: 'DeviceConnection',
    description: 'A page of devices.',
    fields: (t) => ({
      totalCount: t.int({
        ...mayFail('Number of devices that match the condition, on all pages. Counted only when selected.'),
        resolve: ({ totalCount }) => totalCount(),
      }),
    }),
  },
  { name: 'DeviceEdge', description: 'A device on a page, with its cursor.' },
)

/** Whether a condition is `*`, which reads no property of a device. */
export const selectsAll = (condition: string | null | undefined): boolean => (condition ?? '*').trim() === '*'

const DeviceOrderField = builder.enumType('DeviceOrderField', {
  description: 'The sort keys of devices.',
  values: { DEVICE_ID: { value: 'deviceId', description: 'The device ID, compared byte by byte.' } } as const,
})

const DeviceOrder = builder.inputType('DeviceOrder', {
  description: 'The order of a list of devices.',
  fields: (t) => ({
    field: t.field({ type: DeviceOrderField, required: true, description: 'The sort key.' }),
    direction: t.field({ type: OrderDirection, required: true, description: 'The sort direction.' }),
  }),
})

const listIn = ({ field, direction }: typeof DeviceOrder.$inferInput): KeysetList<SelectedDevice, string> => ({
  name: `devices:${field}:${direction}`,
  keysOf: ({ id }) => [id],
  parseKeys: ([id, ...others]) => (others.length === 0 ? id : undefined),
})

builder.queryField('devices', (t) =>
  t.field({
    type: DeviceConnection,
    // A condition can test any value of a twin, so it requires the right to read twins.
    authScopes: (_root, { queryCondition }) => ({
      right: selectsAll(queryCondition) ? ['readDevices', 'readTwins'] : 'readTwins',
    }),
    complexity: (args) => pageComplexity(args),
    ...mayFail(
      'The devices that match a condition. A condition that does not parse is a request error with the `extensions` `{ code: "QUERY_CONDITION", line, column }`.',
    ),
    args: {
      queryCondition: t.arg.string({
        defaultValue: '*',
        description:
          "The WHERE clause of an IoT Hub query, such as `tags.site = 'north' AND connectionState = 'Connected'`. `*` selects all devices. At most 8192 characters. Any condition other than `*` requires the right serviceConnect.",
      }),
      orderBy: t.arg({ type: DeviceOrder, description: 'The order. DEVICE_ID ASC when omitted.' }),
      ...pageArguments(),
    },
    resolve: async (_root, { queryCondition, orderBy, ...args }, context, info) => {
      const { deps, viewer } = context
      const { scope } = viewer
      deps.throttles.take(selectsAll(queryCondition) ? 'registry' : 'queries')
      const condition = await compileInTurn(context, await withGroups(deps, queryCondition ?? '*'))
      const columns = selectedColumns(info, 'Device')
      const order = orderBy ?? { field: 'deviceId', direction: 'asc' }
      return resolvePage(
        listIn(order),
        args,
        async ({ forward, ...page }) => {
          if (!selectsRows(info)) return []
          const wanted = { ...page, ascending: (order.direction === 'asc') === forward }
          if (selectsAll(queryCondition) && isEverything(scope)) {
            return findAllDevices(deps.db.reads, scope, columns, wanted)
          }
          return readPage(deps, askerOf(context), (db) => findDevicePage(db, scope, columns, condition, wanted))
        },
        () => readInTime(deps, askerOf(context), (db) => countDevices(db, scope, condition)),
      )
    },
  }),
)
