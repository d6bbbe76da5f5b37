import { builder } from '../builder.ts'

const PropertiesPatch = builder.inputType('TwinPropertiesPatchInput', {
  description: 'A change to the properties of a twin.',
  fields: (t) => ({
    desired: t.field({
      type: 'JSON',
      description:
        'An object, merged into the desired properties member by member; `null` deletes a member. The result may be at most 32 KB.',
    }),
  }),
})

/** Tags and desired properties as they are merged into a twin; checked by twin/limits.ts. */
export const TwinPatchInput = builder.inputType('TwinPatchInput', {
  description:
    'A change to what services write of a twin. Left-out sections stay. Keys have at most 1 KB and none of the signs `. $ #`, strings at most 4 KB, and objects are nested at most 10 levels deep.',
  fields: (t) => ({
    tags: t.field({
      type: 'JSON',
      description:
        'An object, merged into the tags member by member; `null` deletes a member. The result may be at most 8 KB.',
    }),
    properties: t.field({ type: PropertiesPatch, description: 'The properties to change.' }),
  }),
})
