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
  description: 'A direct method call to one device, sent now.',
  fields: (t) => ({
    deviceId: t.string({ required: true, description: 'The device ID.' }),
    methodName: t.string({
      required: true,
      description: 'The method name: 1 to 100 printable ASCII characters, without `$()<>@,;:\\"/[]?={}+#`.',
    }),
    payload: t.field({
      type: 'JSON',
      description: 'The payload of the call: at most 128 KB of JSON. `null` when omitted.',
    }),
    responseTimeoutInSeconds: t.int({
      defaultValue: 30,
      description:
        'Response timeout: how long the device may take to answer after it has received the call. 5 to 300 seconds.',
    }),
    connectTimeoutInSeconds: t.int({
      defaultValue: 0,
      description: 'Connection timeout: how long to wait for a device that is not connected. 0 to 300 seconds.',
    }),
  }),
})

const InvokeDeviceMethodPayload = builder.objectRef<MethodResponse>('InvokeDeviceMethodPayload').implement({
  description: 'The device answered.',
  fields: (t) => ({
    status: t.exposeInt('status', {
      description: 'The status that the device returned. By convention an HTTP status code.',
    }),
    payload: t.field({
      type: 'JSON',
      nullable: true,
      description: 'The payload that the device returned: at most 128 KB of JSON.',
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
      'The result of `invokeDeviceMethod`.',
    ),
    authScopes: { operation: 'invokeMethods' },
    description:
      'Calls a direct method on one device and waits for the answer. The call is sent at most once. For a disabled device the result is a NotFoundError whose message says that the device is disabled. When the device is deleted or disabled after it has received the call, the result is a DeviceTimeoutError.',
    args: { input: t.arg({ type: InvokeDeviceMethodInput, required: true, description: 'The call.' }) },
    resolve: (_root, { input: { deviceId, ...call } }, { deps, signal }) => invokeMethod(deps, deviceId, call, signal),
  }),
)
