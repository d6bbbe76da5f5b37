import { createDevice, createDevices, deleteDevice, updateDevice } from '../../device/commands.ts'
import { AlreadyExistsError, InvalidInputError, NotFoundError, PreconditionError } from '../../errors.ts'
import { builder } from '../builder.ts'
import { resultUnion } from '../errors.ts'
import { maxNewDevices } from '../limits.ts'
import { readThroughOutage } from '../live/through-outage.ts'
import { DeviceAuthenticationInput } from './authentication.ts'
import { Device, DeviceStatus } from './device.ts'
import { TwinPatchInput } from './twin-patch.ts'

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
      resolve: (query, { deviceId }, _args, context) =>
        readThroughOutage(context, () =>
          context.deps.db.prisma.device.findUniqueOrThrow({ ...query, where: { id: deviceId } }),
        ),
    }),
  }),
})

const UpdateDevicePayload = builder.objectRef<DeviceId>('UpdateDevicePayload').implement({
  description: 'The device was changed.',
  fields: (t) => ({
    device: t.prismaField({
      type: Device,
      description: 'The device as it is now.',
      resolve: (query, { deviceId }, _args, context) =>
        readThroughOutage(context, () =>
          context.deps.db.prisma.device.findUniqueOrThrow({ ...query, where: { id: deviceId } }),
        ),
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
    resolve: async (_root, { input }, { deps }) => {
      deps.throttles.take('registry')
      return { deviceId: await createDevice(deps, input) }
    },
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
      deps.throttles.take('registry')
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
      deps.throttles.take('registry')
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
      deps.throttles.take('registry')
      await deleteDevice(deps, { deviceId, ifMatch: ifMatch ?? '*' })
      return { deviceId }
    },
  }),
)
