import { queryFromInfo } from '@pothos/plugin-prisma'
import { readInTime } from '../../database/bounded-read.ts'
import { countDevices, findDeviceIds } from '../../device/selection-store.ts'
import { authenticationOf } from '../../device/store.ts'
import { compileDeviceCondition } from '../../query/device-condition.ts'
import { etagOf } from '../../twin/document.ts'
import { builder } from '../builder.ts'
import { type KeysetList, pageArguments, pageComplexity, resolvePage } from '../connection.ts'
import { askerOf } from '../context.ts'
import { memberOf } from '../member.ts'
import { authenticationTypes, DeviceAuthentication } from './authentication.ts'

// Objects

const statuses = ['enabled', 'disabled'] as const
const connectionStates = ['connected', 'disconnected'] as const

/** Whether a device may connect. */
export const DeviceStatus = builder.enumType('DeviceStatus', {
  description: 'Whether a device may connect.',
  values: {
    ENABLED: { value: 'enabled', description: 'It may.' },
    DISABLED: { value: 'disabled', description: 'It may not, and its connection is closed.' },
  } as const,
})

const ConnectionState = builder.enumType('ConnectionState', {
  description: 'Whether a device is here now.',
  values: {
    CONNECTED: { value: 'connected', description: 'It has a connection.' },
    DISCONNECTED: { value: 'disconnected', description: 'It has none.' },
  } as const,
})

/** A device as registry and twin readers may see it: a twin document names all of it but the authentication. */
export const Device = builder.prismaNode('Device', {
  id: { field: 'id' },
  nullable: true,
  select: { id: true },
  description: 'A device: an identity that may connect to the hub, and what is known of it.',
  authScopes: { operation: ['readDevices', 'readTwins'] },
  fields: (t) => ({
    deviceId: t.exposeString('id', {
      description: 'Its name, given by whoever created it: 1 to 128 characters, with case.',
    }),
    status: t.field({
      type: DeviceStatus,
      select: { status: true },
      description: 'Whether it may connect.',
      resolve: ({ status }) => memberOf(statuses, status),
    }),
    statusReason: t.exposeString('statusReason', {
      nullable: true,
      description: 'Why it has its status: at most 128 characters.',
    }),
    connectionState: t.field({
      type: ConnectionState,
      select: { connectionState: true },
      description: 'Whether it is here now; a lost connection is noticed after its keep-alive time.',
      resolve: ({ connectionState }) => memberOf(connectionStates, connectionState),
    }),
    lastActivityTime: t.expose('lastActivityTime', {
      type: 'DateTime',
      nullable: true,
      description: 'When it connected or disconnected last. Null when it never did.',
    }),
    generationId: t.exposeString('generationId', {
      description: 'Tells it from an earlier device of the same name that was deleted.',
    }),
    etag: t.string({
      select: { etagVersion: true },
      description: 'For `ifMatch`: another text after each change of its identity. The twin has an etag of its own.',
      resolve: ({ etagVersion }) => etagOf(etagVersion),
    }),
    authentication: t.field({
      type: DeviceAuthentication,
      nullable: true, // so that a viewer without the right loses this field and not the device
      authScopes: { operation: 'readDevices' },
      select: {
        authenticationType: true,
        primaryKey: true,
        secondaryKey: true,
        primaryThumbprint: true,
        secondaryThumbprint: true,
      },
      description: 'How it proves who it is. Needs the right registryRead; without it this is null, with an error.',
      resolve: (row) =>
        authenticationOf({ ...row, authenticationType: memberOf(authenticationTypes, row.authenticationType) }),
    }),
  }),
})

// Queries

builder.queryField('device', (t) =>
  t.prismaField({
    type: Device,
    nullable: true,
    authScopes: { operation: ['readDevices', 'readTwins'] },
    description: 'The device of this name; null when there is none.',
    args: { deviceId: t.arg.string({ required: true, description: 'Its name, with case.' }) },
    resolve: (query, _root, { deviceId }, { deps }) => {
      deps.throttles.take('registry')
      return deps.db.prisma.device.findUnique({ ...query, where: { id: deviceId } })
    },
  }),
)

const DeviceConnection = builder.connectionObject(
  {
    type: Device,
    name: 'DeviceConnection',
    description: 'A page of devices, by their names.',
    fields: (t) => ({
      totalCount: t.int({
        description: 'How many devices meet the condition, on all pages. Counted only when asked for.',
        resolve: ({ totalCount }) => totalCount(),
      }),
    }),
  },
  { name: 'DeviceEdge', description: 'A device in a page.' },
)

/** Whether a condition is `*`, which looks at nothing. */
export const selectsAll = (condition: string | null | undefined): boolean => (condition ?? '*').trim() === '*'

const devicesById: KeysetList<{ readonly id: string }, string> = {
  name: 'devices',
  keysOf: ({ id }) => [id],
  parseKeys: ([id, ...others]) => (others.length === 0 ? id : undefined),
}

builder.queryField('devices', (t) =>
  t.field({
    type: DeviceConnection,
    // A condition can ask for any value of a twin, so it takes the right to read twins.
    authScopes: (_root, { queryCondition }) => ({
      operation: selectsAll(queryCondition) ? ['readDevices', 'readTwins'] : 'readTwins',
    }),
    complexity: (args) => pageComplexity(args),
    description:
      'The devices that meet a condition, by their names. A condition that does not parse is an error of the request, whose `extensions` are `{ code: "QUERY_CONDITION", line, column }`.',
    args: {
      queryCondition: t.arg.string({
        defaultValue: '*',
        description:
          "The WHERE part of an IoT Hub query, such as `tags.site = 'north' AND connectionState = 'Connected'`; `*` is all devices. At most 8192 characters. Anything but `*` needs the right serviceConnect.",
      }),
      ...pageArguments(),
    },
    resolve: (_root, { queryCondition, ...page }, context, info) => {
      const { deps } = context
      deps.throttles.take(selectsAll(queryCondition) ? 'registry' : 'queries')
      const condition = compileDeviceCondition(queryCondition ?? '*')
      const { select } = queryFromInfo({
        context,
        info,
        typeName: 'Device',
        paths: [['nodes'], ['edges', 'node']],
        select: { id: true },
      })
      return resolvePage(
        devicesById,
        page,
        async (wanted) => {
          const ids = await readInTime(deps, askerOf(context), (db) => findDeviceIds(db, condition, wanted))
          const rows = await deps.db.prisma.device.findMany({ select, where: { id: { in: ids } } })
          const byId = new Map(rows.map((row) => [row.id, row]))
          return ids.flatMap((id) => byId.get(id) ?? [])
        },
        () => readInTime(deps, askerOf(context), (db) => countDevices(db, condition)),
      )
    },
  }),
)
