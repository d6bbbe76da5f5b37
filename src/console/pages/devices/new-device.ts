import { isObject, type JsonObject } from '../../device/json.ts'
import { parseJson } from '../../ui/json-text.ts'

/** A device to register, or the problems by field. */
export type NewDevice =
  | { readonly deviceId: string; readonly tags: JsonObject | undefined }
  | { readonly problems: { readonly deviceId?: string; readonly tags?: string } }

/** Reads the form by the rules of the hub, so that mistakes are shown at the fields. */
export function readNewDevice(form: { readonly deviceId: string; readonly tags: string }): NewDevice {
  const deviceId = form.deviceId.trim()
  const tags = parseJson(form.tags)
  const isTags = 'value' in tags && isObject(tags.value)
  const problems = {
    ...(!/^[A-Za-z\d\-.%_*?!(),:;=@$']{1,128}$/.test(deviceId) && {
      deviceId:
        deviceId === '' ? 'Enter a device ID.' : "Use 1 to 128 letters, digits or -.%_*?!(),:;=@$', without spaces.",
    }),
    ...('problem' in tags && { tags: tags.problem }),
    ...('value' in tags && !isTags && { tags: 'Enter a JSON object, such as { "site": "north" }.' }),
  }
  if (Object.keys(problems).length > 0) return { problems }
  return { deviceId, tags: 'value' in tags && isObject(tags.value) ? tags.value : undefined }
}
