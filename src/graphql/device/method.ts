import {
  BadDeviceResponseError,
  DeviceOfflineError,
  DeviceTimeoutError,
  InvalidInputError,
  NotFoundError,
} from '../../errors.ts'
import { asWritten } from '../../json/json-as-written.ts'
import type { MethodResponse } from '../../method/answer.ts'
import { invokeMethod } from '../../method/commands.ts'
import { builder } from '../builder.ts'
import { resultUnion } from '../errors.ts'
import { mayFail } from '../may-fail.ts'
import { methodFields, methodResponse } from './method-fields.ts'

const InvokeDeviceMethodInput = builder.inputType('InvokeDeviceMethodInput', {
  description: 'A direct method call to one device, sent now.',
  fields: (t) => ({
    deviceId: t.string({ required: true, description: 'The device ID.' }),
    ...methodFields(t),
    connectTimeoutInSeconds: t.int({
      defaultValue: 0,
      description: 'Connection timeout: how long to wait for a device that is not connected. 0 to 300 seconds.',
    }),
  }),
})

const InvokeDeviceMethodPayload = methodResponse<MethodResponse>(
  'InvokeDeviceMethodPayload',
  'The device answered.',
  ({ payload }) => asWritten(payload),
)

builder.mutationField('invokeDeviceMethod', (t) =>
  t.field({
    type: resultUnion(
      'InvokeDeviceMethodResult',
      InvokeDeviceMethodPayload,
      [NotFoundError, DeviceOfflineError, DeviceTimeoutError, BadDeviceResponseError, InvalidInputError],
      'The result of `invokeDeviceMethod`.',
    ),
    authScopes: { right: 'invokeMethods' },
    audit: {
      target: ({ input }) => input.deviceId,
      detail: ({ input }) => ({ methodName: input.methodName }),
    },
    ...mayFail(
      'Calls a direct method on one device and waits for the answer. The call is sent at most once. For a disabled device the result is a NotFoundError whose message says that the device is disabled. When the device is deleted or disabled after it has received the call, the result is a DeviceTimeoutError.',
    ),
    args: { input: t.arg({ type: InvokeDeviceMethodInput, required: true, description: 'The call.' }) },
    resolve: (_root, { input: { deviceId, ...call } }, { deps, viewer, signal }) =>
      invokeMethod(deps, viewer.scope, deviceId, call, signal),
  }),
)
