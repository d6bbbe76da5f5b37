import { queryFromInfo } from '@pothos/plugin-prisma'
import { createDevice, createDevices, deleteDevice, updateDevice } from '../device/commands.ts'
import { authenticationOf, countDevices, findDeviceIds } from '../device/store.ts'
import { AlreadyExistsError, InvalidInputError, NotFoundError, PreconditionError } from '../errors.ts'
import { compileCondition } from '../query/compiler.ts'
import { deviceFields } from '../query/fields.ts'
import { parseCondition } from '../query/parser.ts'
import { etagOf } from '../twin/document.ts'
import { builder } from './builder.ts'
import { type KeysetList, pageArguments, pageComplexity, resolvePage } from './connection.ts'
import { authenticationTypes, DeviceAuthentication, DeviceAuthenticationInput } from './device-authentication.ts'
import { resultUnion } from './errors.ts'
import { maxNewDevices } from './limits.ts'
import { memberOf } from './member.ts'
import { TwinPatchInput } from './twin-patch.ts'

// Objects

const statuses = ['enabled', 'disabled'] as const
const connectionStates = ['connected', 'disconnected'] as const

const DeviceStatus = builder.enumType('DeviceStatus', {
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
    resolve: (query, _root, { deviceId }, { deps }) =>
      deps.db.prisma.device.findUnique({ ...query, where: { id: deviceId } }),
  }),
)

export const DeviceConnection = builder.connectionObject(
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
      operation: (queryCondition ?? '*').trim() === '*' ? ['readDevices', 'readTwins'] : 'readTwins',
    }),
    complexity: (args) => pageComplexity(args),
    description:
      'The devices that meet a condition, by their names. A condition that does not parse is an error of the request, whose `extensions` are `{ code: "QUERY_CONDITION", line, column }`.',
    args: {
      queryCondition: t.arg.string({
        defaultValue: '*',
        description:
          "The WHERE part of an IoT Hub query, such as `tags.site = 'north' AND connectionState = 'Connected'`; `*` is all devices. At most 64 KB. Anything but `*` needs the right serviceConnect.",
      }),
      ...pageArguments(),
    },
    resolve: (_root, { queryCondition, ...page }, context, info) => {
      const { db } = context.deps
      const condition = compileCondition(parseCondition(queryCondition ?? '*'), deviceFields)
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
          const ids = await findDeviceIds(db, condition, wanted)
          const rows = await db.prisma.device.findMany({ select, where: { id: { in: ids } } })
          const byId = new Map(rows.map((row) => [row.id, row]))
          return ids.flatMap((id) => byId.get(id) ?? [])
        },
        () => countDevices(db, condition),
      )
    },
  }),
)

// Inputs

const CreateDeviceInput = builder.inputType('CreateDeviceInput', {
  description: 'A device to be created.',
  fields: (t) => ({
    deviceId: t.string({
      required: true,
      description: "Its name: 1 to 128 letters, digits and signs of `-.%_*?!(),:;=@$'`, with case, unique in the hub.",
    }),
    status: t.field({ type: DeviceStatus, defaultValue: 'enabled', description: 'Whether it may connect.' }),
    statusReason: t.string({ description: 'Why: at most 128 characters.' }),
    authentication: t.field({ type: DeviceAuthenticationInput, description: 'Keys are made when this is left out.' }),
    twin: t.field({ type: TwinPatchInput, description: 'The tags and desired properties it starts with.' }),
  }),
})

const CreateDevicesInput = builder.inputType('CreateDevicesInput', {
  description: 'Devices to be created.',
  fields: (t) => ({
    devices: t.field({ type: [CreateDeviceInput], required: true, description: `1 to ${maxNewDevices} devices.` }),
  }),
})

const ifMatch = 'An etag, so that nothing happens when it has changed since; `*` for whatever it is now.'

const UpdateDeviceInput = builder.inputType('UpdateDeviceInput', {
  description: 'A change to the identity of a device. What is left out stays.',
  fields: (t) => ({
    deviceId: t.string({ required: true, description: 'The device.' }),
    ifMatch: t.string({ defaultValue: '*', description: ifMatch }),
    status: t.field({ type: DeviceStatus, description: 'Whether it may connect.' }),
    statusReason: t.string({ description: 'Why: at most 128 characters. `null` deletes the reason.' }),
    authentication: t.field({ type: DeviceAuthenticationInput, description: 'How it is to prove who it is.' }),
  }),
})

const DeleteDeviceInput = builder.inputType('DeleteDeviceInput', {
  description: 'A device to be deleted.',
  fields: (t) => ({
    deviceId: t.string({ required: true, description: 'The device.' }),
    ifMatch: t.string({ defaultValue: '*', description: ifMatch }),
  }),
})

// Mutations

/** What payloads start from: the device is read with what the client selects of it. */
type DeviceId = { readonly deviceId: string }

const CreateDevicePayload = builder.objectRef<DeviceId>('CreateDevicePayload').implement({
  description: 'The device was created.',
  fields: (t) => ({
    device: t.prismaField({
      type: Device,
      description: 'The new device.',
      resolve: (query, { deviceId }, _args, { deps }) =>
        deps.db.prisma.device.findUniqueOrThrow({ ...query, where: { id: deviceId } }),
    }),
  }),
})

const UpdateDevicePayload = builder.objectRef<DeviceId>('UpdateDevicePayload').implement({
  description: 'The device was changed.',
  fields: (t) => ({
    device: t.prismaField({
      type: Device,
      description: 'The device as it is now.',
      resolve: (query, { deviceId }, _args, { deps }) =>
        deps.db.prisma.device.findUniqueOrThrow({ ...query, where: { id: deviceId } }),
    }),
  }),
})

const DeleteDevicePayload = builder.objectRef<DeviceId>('DeleteDevicePayload').implement({
  description: 'The device and its twin were deleted. Device jobs keep its name.',
  fields: (t) => ({ deviceId: t.exposeString('deviceId', { description: 'The name it had.' }) }),
})

const CreateDeviceResult = resultUnion(
  'CreateDeviceResult',
  CreateDevicePayload,
  [InvalidInputError, AlreadyExistsError],
  'What became of a device to be created.',
)

const CreateDevicesPayload = builder
  .objectRef<{ readonly results: readonly (DeviceId | InvalidInputError | AlreadyExistsError)[] }>(
    'CreateDevicesPayload',
  )
  .implement({
    description: 'What became of each of the devices: one that fails does not keep the others back.',
    fields: (t) => ({
      results: t.field({
        type: [CreateDeviceResult],
        description: 'In the order of the input. Of two with the same name the first is created.',
        resolve: ({ results }) => [...results],
      }),
    }),
  })

builder.mutationField('createDevice', (t) =>
  t.field({
    type: CreateDeviceResult,
    authScopes: { operation: 'writeDevices' },
    description: 'Creates a device and its twin.',
    args: { input: t.arg({ type: CreateDeviceInput, required: true, description: 'The device.' }) },
    resolve: async (_root, { input }, { deps }) => ({ deviceId: await createDevice(deps, input) }),
  }),
)

builder.mutationField('createDevices', (t) =>
  t.field({
    type: resultUnion(
      'CreateDevicesResult',
      CreateDevicesPayload,
      [InvalidInputError],
      'What became of the devices, or why the list of them was refused as a whole.',
    ),
    authScopes: { operation: 'writeDevices' },
    complexity: 10,
    description: `Creates up to ${maxNewDevices} devices in one transaction, each on its own merits.`,
    args: { input: t.arg({ type: CreateDevicesInput, required: true, description: 'The devices.' }) },
    resolve: async (_root, { input: { devices } }, { deps }) => {
      if (devices.length < 1 || devices.length > maxNewDevices) {
        throw new InvalidInputError(['devices'], `Give 1 to ${maxNewDevices} devices, not ${devices.length}.`)
      }
      const results = await createDevices(deps, devices)
      return {
        results: results.map((result) => {
          if (typeof result === 'string') return { deviceId: result }
          if (result instanceof InvalidInputError || result instanceof AlreadyExistsError) return result
          throw result
        }),
      }
    },
  }),
)

builder.mutationField('updateDevice', (t) =>
  t.field({
    type: resultUnion(
      'UpdateDeviceResult',
      UpdateDevicePayload,
      [NotFoundError, PreconditionError, InvalidInputError],
      'What became of a change to a device.',
    ),
    authScopes: { operation: 'writeDevices' },
    description: 'Changes the identity of a device. A device that may no longer come in is disconnected.',
    args: { input: t.arg({ type: UpdateDeviceInput, required: true, description: 'The change.' }) },
    resolve: async (_root, { input }, { deps }) => {
      const { deviceId, ifMatch, status, statusReason, authentication } = input
      // Neither can be taken away, so `null` stands for "left out"; a reason can.
      await updateDevice(deps, {
        deviceId,
        ifMatch: ifMatch ?? '*',
        status: status ?? undefined,
        statusReason,
        authentication: authentication ?? undefined,
      })
      return { deviceId }
    },
  }),
)

builder.mutationField('deleteDevice', (t) =>
  t.field({
    type: resultUnion(
      'DeleteDeviceResult',
      DeleteDevicePayload,
      [NotFoundError, PreconditionError],
      'What became of a device to be deleted.',
    ),
    authScopes: { operation: 'writeDevices' },
    description: 'Deletes a device and its twin, and closes its connection.',
    args: { input: t.arg({ type: DeleteDeviceInput, required: true, description: 'The device.' }) },
    resolve: async (_root, { input: { deviceId, ifMatch } }, { deps }) => {
      await deleteDevice(deps, { deviceId, ifMatch: ifMatch ?? '*' })
      return { deviceId }
    },
  }),
)
