import { builder } from '../builder.ts'

const PropertiesPatch = builder.inputType('TwinPropertiesPatchInput', {
  description: 'A merge patch for the properties of a twin.',
  fields: (t) => ({
    desired: t.field({
      type: 'JSON',
      description:
        'An object that is merged into the desired properties, recursively. `null` deletes a key. The merged result may have at most 32 KB.',
    }),
  }),
})

/** A patch of tags and desired properties. twin/check-patch.ts checks it. */
export const TwinPatchInput = builder.inputType('TwinPatchInput', {
  description:
    'A merge patch for the tags and desired properties of a twin. Omitted sections stay unchanged. Keys have at most 1 KB and must not contain the characters `. $ #`. Strings have at most 4 KB. Objects are nested at most 10 levels deep.',
  fields: (t) => ({
    tags: t.field({
      type: 'JSON',
      description:
        'An object that is merged into the tags, recursively. `null` deletes a key. The merged result may have at most 8 KB.',
    }),
    properties: t.field({ type: PropertiesPatch, description: 'The patch for the properties.' }),
  }),
})
