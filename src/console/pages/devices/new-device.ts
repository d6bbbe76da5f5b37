import { isObject, type JsonObject } from '../../device/json.ts'
import { parseJson } from '../../ui/json-text.ts'

/** A device to be registered, or what is wrong with which field. */
export type NewDevice =
  | { readonly deviceId: string; readonly tags: JsonObject | undefined }
  | { readonly problems: { readonly deviceId?: string; readonly tags?: string } }

/** Reads the form by the rules of the hub, so that mistakes are told beside the fields. */
export function readNewDevice(form: { readonly deviceId: string; readonly tags: string }): NewDevice {
  const deviceId = form.deviceId.trim()
  const tags = parseJson(form.tags)
  const isTags = 'value' in tags && isObject(tags.value)
  const problems = {
    ...(!/^[A-Za-z\d\-.%_*?!(),:;=@$']{1,128}$/.test(deviceId) && {
      deviceId:
        deviceId === ''
          ? 'Write a name for the device.'
          : "A device’s name has 1 to 128 letters, digits and signs of -.%_*?!(),:;=@$', without blanks.",
    }),
    ...('problem' in tags && { tags: tags.problem }),
    ...('value' in tags && !isTags && { tags: 'Tags are an object: { "site": "north" }.' }),
  }
  if (Object.keys(problems).length > 0) return { problems }
  return { deviceId, tags: 'value' in tags && isObject(tags.value) ? tags.value : undefined }
}
