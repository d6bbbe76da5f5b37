import { maxTwinPaths, readTwinPaths } from '../../twin/commands.ts'
import type { TwinPath as Path } from '../../twin/path-catalogue.ts'
import { builder } from '../builder.ts'
import { askerOf } from '../context.ts'
import { mayFail } from '../may-fail.ts'

const TwinPath = builder.objectRef<Path>('TwinPath').implement({
  description: 'A path that conditions can use, with statistics from a sample of the devices.',
  fields: (t) => ({
    path: t.exposeString('path', {
      description: 'The path in the syntax of conditions: `tags.building`, `properties.reported.[[first sensor]]`.',
    }),
    types: t.exposeStringList('types', {
      description:
        'The JSON types of the values at this path: `string`, `number`, `boolean`, `null`, `object`, `array`.',
    }),
    deviceCount: t.exposeInt('deviceCount', {
      description:
        'Number of devices in the sample that have this path. The sample is all devices of a small fleet, otherwise about 1,000 devices.',
    }),
    sampleValues: t.field({
      type: ['JSON'],
      description: 'Up to 5 values, the most frequent first: strings of up to 62 characters, numbers and Booleans.',
      resolve: ({ sampleValues }) => [...sampleValues],
    }),
  }),
})

builder.queryField('twinPaths', (t) =>
  t.field({
    type: [TwinPath],
    authScopes: { right: 'readTwins' },
    complexity: ({ first }) => Math.min(Math.max(first ?? 1, 1), maxTwinPaths),
    ...mayFail(
      'Existing paths that conditions can use, for completion while a user types a condition: tags, properties and the fields that the hub keeps for each device. Ordered by the number of devices that have the path, descending, and limited to the 5,000 most common paths. Based on a sample of the devices, read in bounded time.',
    ),
    args: {
      prefix: t.arg.string({
        description: 'Only paths with this prefix, not case-sensitive: `tags.`, `properties.reported.temp`.',
      }),
      first: t.arg.int({ defaultValue: 100, description: `Maximum number of paths: 1 to ${maxTwinPaths}.` }),
    },
    resolve: (_root, { prefix, first }, context) => {
      const { deps } = context
      deps.throttles.take('queries')
      return readTwinPaths(deps, context.viewer.scope, askerOf(context), { prefix: prefix ?? '', first: first ?? 100 })
    },
  }),
)
