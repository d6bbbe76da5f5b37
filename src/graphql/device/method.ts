import {
  BadDeviceResponseError,
  DeviceOfflineError,
  DeviceTimeoutError,
  InvalidInputError,
  NotFoundError,
} from '../../errors.ts'
import type { MethodResponse } from '../../method/answer.ts'
import { invokeMethod } from '../../method/commands.ts'
import { builder } from '../builder.ts'
import { resultUnion } from '../errors.ts'
import { asWritten } from '../transport/written.ts'

const InvokeDeviceMethodInput = builder.inputType('InvokeDeviceMethodInput', {
  description: 'A direct method to be called on one device, now.',
  fields: (t) => ({
    deviceId: t.string({ required: true, description: 'The device.' }),
    methodName: t.string({
      required: true,
      description:
        'Its name, as the device knows it: 1 to 100 printable ASCII characters, without `$()<>@,;:\\"/[]?={}+#`.',
    }),
    payload: t.field({
      type: 'JSON',
      description: 'What it is called with: at most 128 KB of JSON. `null` when left out.',
    }),
    responseTimeoutInSeconds: t.int({
      defaultValue: 30,
      description: 'How long a device that has the call may take to answer: 5 to 300 seconds.',
    }),
    connectTimeoutInSeconds: t.int({
      defaultValue: 0,
      description: 'How long to wait for a device that is not connected: 0 to 300 seconds.',
    }),
  }),
})

const InvokeDeviceMethodPayload = builder.objectRef<MethodResponse>('InvokeDeviceMethodPayload').implement({
  description: 'The device answered.',
  fields: (t) => ({
    status: t.exposeInt('status', { description: "The device's own status, by convention like one of HTTP." }),
    payload: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What it said: at most 128 KB.',
      resolve: ({ payload }) => asWritten(payload),
    }),
  }),
})

builder.mutationField('invokeDeviceMethod', (t) =>
  t.field({
    type: resultUnion(
      'InvokeDeviceMethodResult',
      InvokeDeviceMethodPayload,
      [NotFoundError, DeviceOfflineError, DeviceTimeoutError, BadDeviceResponseError, InvalidInputError],
      'What became of a method call.',
    ),
    authScopes: { operation: 'invokeMethods' },
    description:
      'Calls a direct method on one device and waits for its answer. It is sent at most once. A disabled device is a NotFoundError that says so; one that is deleted or disabled while it has the call ends it with a DeviceTimeoutError.',
    args: { input: t.arg({ type: InvokeDeviceMethodInput, required: true, description: 'The call.' }) },
    resolve: (_root, { input: { deviceId, ...call } }, { deps, signal }) => invokeMethod(deps, deviceId, call, signal),
  }),
)
