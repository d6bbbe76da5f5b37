import { devicesDetail } from '../../audit/entry.ts'
import { createDevice, createDevices, deleteDevice, updateDevice } from '../../device/commands.ts'
import { AlreadyExistsError, InvalidInputError, NotFoundError, PreconditionError } from '../../errors.ts'
import { builder } from '../builder.ts'
import { askerOf } from '../context.ts'
import { resultUnion } from '../errors.ts'
import { maxNewDevices } from '../limits.ts'
import { readThroughOutage } from '../live/through-outage.ts'
import { mayFail } from '../may-fail.ts'
import { encodeNodeId } from '../node-id.ts'
import { DeviceAuthenticationInput } from './authentication.ts'
import { Device, DeviceStatus, readDevice } from './device.ts'
import { TwinPatchInput } from './twin-patch.ts'

// Inputs

const CreateDeviceInput = builder.inputType('CreateDeviceInput', {
  description: 'The device to create.',
  fields: (t) => ({
    deviceId: t.string({
      required: true,
      description:
        "The device ID: 1 to 128 letters, digits and characters of `-.%_*?!(),:;=@$'`. Case-sensitive, unique in the hub.",
    }),
    status: t.field({ type: DeviceStatus, defaultValue: 'enabled', description: 'Whether the device may connect.' }),
    statusReason: t.string({ description: 'The reason for the status: at most 128 characters.' }),
    authentication: t.field({
      type: DeviceAuthenticationInput,
      description: 'How the device authenticates. When omitted: SAS, with keys that the hub generates.',
    }),
    twin: t.field({ type: TwinPatchInput, description: 'The initial tags and desired properties.' }),
  }),
})

const CreateDevicesInput = builder.inputType('CreateDevicesInput', {
  description: 'The devices to create.',
  fields: (t) => ({
    devices: t.field({ type: [CreateDeviceInput], required: true, description: `1 to ${maxNewDevices} devices.` }),
  }),
})

const ifMatch =
  'The expected `etag` of the device. A PreconditionError, without any change, when the device has another one. `*` matches any etag.'

const UpdateDeviceInput = builder.inputType('UpdateDeviceInput', {
  description: 'A change to the identity of a device. Omitted fields keep their values.',
  fields: (t) => ({
    deviceId: t.string({ required: true, description: 'The device ID.' }),
    ifMatch: t.string({ defaultValue: '*', description: ifMatch }),
    status: t.field({ type: DeviceStatus, description: 'Whether the device may connect.' }),
    statusReason: t.string({ description: 'The reason for the status: at most 128 characters. `null` deletes it.' }),
    authentication: t.field({ type: DeviceAuthenticationInput, description: 'How the device authenticates.' }),
  }),
})

const DeleteDeviceInput = builder.inputType('DeleteDeviceInput', {
  description: 'The device to delete.',
  fields: (t) => ({
    deviceId: t.string({ required: true, description: 'The device ID.' }),
    ifMatch: t.string({ defaultValue: '*', description: ifMatch }),
  }),
})

// Mutations

/** The parent value of payloads. The device is read with the fields that the client selects. */
type DeviceId = { readonly deviceId: string }

const CreateDevicePayload = builder.objectRef<DeviceId>('CreateDevicePayload').implement({
  description: 'The device was created.',
  fields: (t) => ({
    device: t.field({
      type: Device,
      ...mayFail('The new device.'),
      resolve: ({ deviceId }, _args, context, info) =>
        readThroughOutage(context, () => readDevice(context, info, deviceId)),
    }),
  }),
})

const UpdateDevicePayload = builder.objectRef<DeviceId>('UpdateDevicePayload').implement({
  description: 'The device was changed.',
  fields: (t) => ({
    device: t.field({
      type: Device,
      ...mayFail('The device after the change.'),
      resolve: ({ deviceId }, _args, context, info) =>
        readThroughOutage(context, () => readDevice(context, info, deviceId)),
    }),
  }),
})

const DeleteDevicePayload = builder.objectRef<DeviceId>('DeleteDevicePayload').implement({
  description: 'The device and its twin were deleted. Device jobs keep the device ID.',
  fields: (t) => ({
    id: t.id({
      description: 'The global ID that the device had, to remove it from client caches.',
      resolve: ({ deviceId }) => encodeNodeId('Device', deviceId),
    }),
    deviceId: t.exposeString('deviceId', { description: 'The ID of the deleted device.' }),
  }),
})

const CreateDeviceResult = resultUnion(
  'CreateDeviceResult',
  CreateDevicePayload,
  [InvalidInputError, AlreadyExistsError],
  'The result of `createDevice`, or of one device of `createDevices`.',
)

const CreateDevicesPayload = builder
  .objectRef<{ readonly results: readonly (DeviceId | InvalidInputError | AlreadyExistsError)[] }>(
    'CreateDevicesPayload',
  )
  .implement({
    description: 'One result for each device. A device that fails does not affect the others.',
    fields: (t) => ({
      results: t.field({
        type: [CreateDeviceResult],
        description: 'The results in the order of the input. Of two devices with the same ID, the first is created.',
        resolve: ({ results }) => [...results],
      }),
    }),
  })

builder.mutationField('createDevice', (t) =>
  t.field({
    type: CreateDeviceResult,
    authScopes: { right: 'writeDevices' },
    audit: { target: ({ input }) => input.deviceId },
    ...mayFail('Creates a device and its twin.'),
    args: { input: t.arg({ type: CreateDeviceInput, required: true, description: 'The device.' }) },
    resolve: async (_root, { input }, context) => {
      const { deps, viewer } = context
      deps.throttles.take('registry')
      return { deviceId: await createDevice(deps, viewer.scope, input, context) }
    },
  }),
)

builder.mutationField('createDevices', (t) =>
  t.field({
    type: resultUnion(
      'CreateDevicesResult',
      CreateDevicesPayload,
      [InvalidInputError],
      'The result of `createDevices`: one result for each device, or an error for the whole list.',
    ),
    authScopes: { right: 'writeDevices' },
    audit: {
      target: () => null,
      detail: ({ input: { devices } }) => devicesDetail(devices.map(({ deviceId }) => deviceId)),
    },
    complexity: 10,
    ...mayFail(
      `Creates up to ${maxNewDevices} devices in one transaction. Each device succeeds or fails independently.`,
    ),
    args: { input: t.arg({ type: CreateDevicesInput, required: true, description: 'The devices.' }) },
    resolve: async (_root, { input: { devices } }, context) => {
      const { deps } = context
      deps.throttles.take('registry')
      if (devices.length < 1 || devices.length > maxNewDevices) {
        throw new InvalidInputError(['devices'], `Expected 1 to ${maxNewDevices} devices, got ${devices.length}.`)
      }
      const results = await deps.db.bulkWrite(askerOf(context), () =>
        createDevices(deps, context.viewer.scope, devices, context),
      )
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
      'The result of `updateDevice`.',
    ),
    authScopes: { right: 'writeDevices' },
    audit: {
      target: ({ input }) => input.deviceId,
      detail: ({ input: { status, statusReason, authentication } }) => ({
        changes: Object.entries({ status, statusReason, authentication })
          .filter(([, value]) => value !== undefined)
          .map(([name]) => name),
      }),
    },
    ...mayFail('Changes the identity of a device. A device that may no longer connect is disconnected.'),
    args: { input: t.arg({ type: UpdateDeviceInput, required: true, description: 'The change.' }) },
    resolve: async (_root, { input }, { deps, viewer }) => {
      deps.throttles.take('registry')
      const { deviceId, ifMatch, status, statusReason, authentication } = input
      // Status and authentication cannot be removed, so `null` counts as omitted. A reason can be removed.
      await updateDevice(deps, viewer.scope, {
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
      'The result of `deleteDevice`.',
    ),
    authScopes: { right: 'writeDevices' },
    audit: { target: ({ input }) => input.deviceId },
    ...mayFail('Deletes a device and its twin, and closes its connection.'),
    args: { input: t.arg({ type: DeleteDeviceInput, required: true, description: 'The device.' }) },
    resolve: async (_root, { input: { deviceId, ifMatch } }, { deps, viewer }) => {
      deps.throttles.take('registry')
      await deleteDevice(deps, viewer.scope, { deviceId, ifMatch: ifMatch ?? '*' })
      return { deviceId }
    },
  }),
)
