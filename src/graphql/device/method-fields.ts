import type { JsonText } from '../../json/json-text.ts'
import { builder } from '../builder.ts'
import type { Context } from '../context.ts'

type InputFields = PothosSchemaTypes.InputFieldBuilder<typeof builder.$inferSchemaTypes, 'InputObject'>

/** The fields that every input for a method call has. How long to wait for a device that is not connected differs. */
export const methodFields = (t: InputFields) => ({
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
})

/** A type for a device's response to a method call. `payloadOf` reads its payload; null when it was deleted meanwhile. */
export const methodResponse = <Response extends { readonly status: number }>(
  name: string,
  description: string,
  payloadOf: (response: Response, context: Context) => JsonText | Promise<JsonText | null>,
) =>
  builder.objectRef<Response>(name).implement({
    description,
    fields: (t) => ({
      status: t.int({
        description: 'The status that the device returned. By convention an HTTP status code.',
        resolve: ({ status }) => status,
      }),
      payload: t.field({
        type: 'JSON',
        nullable: true,
        description:
          'The payload that the device returned: at most 128 KB of JSON, which may be null. Null with an error PAYLOAD_NOT_SHOWN when it is nested too deeply.',
        resolve: (response, _args, context) => payloadOf(response, context),
      }),
    }),
  })
