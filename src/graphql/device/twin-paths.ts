import { maxTwinPaths, readTwinPaths } from '../../twin/commands.ts'
import type { TwinPath as Path } from '../../twin/path-catalogue.ts'
import { builder } from '../builder.ts'
import { askerOf } from '../context.ts'

const TwinPath = builder.objectRef<Path>('TwinPath').implement({
  description: 'A path that conditions can speak of, and what a sample of the devices has there.',
  fields: (t) => ({
    path: t.exposeString('path', {
      description: 'As a condition writes it: `tags.building`, `properties.reported.[[first sensor]]`.',
    }),
    types: t.exposeStringList('types', {
      description: 'The JSON types of the values: `string`, `number`, `boolean`, `null`, `object`, `array`.',
    }),
    deviceCount: t.exposeInt('deviceCount', {
      description: 'How many devices of the sample have it: all devices of a small fleet, else about 1,000.',
    }),
    sampleValues: t.field({
      type: ['JSON'],
      description: 'Up to 5 values, the most frequent first: texts of up to 62 characters, numbers, Booleans.',
      resolve: ({ sampleValues }) => [...sampleValues],
    }),
  }),
})

builder.queryField('twinPaths', (t) =>
  t.field({
    type: [TwinPath],
    authScopes: { operation: 'readTwins' },
    complexity: ({ first }) => Math.min(Math.max(first ?? 1, 1), maxTwinPaths),
    description:
      'Paths that conditions can speak of and that really exist, for completion while one is typed: tags, properties, and what the hub knows of devices. Those of most devices first, of the 5,000 that most have; from a sample, in bounded time.',
    args: {
      prefix: t.arg.string({
        description: 'Only paths that begin so, in whatever case: `tags.`, `properties.reported.temp`.',
      }),
      first: t.arg.int({ defaultValue: 100, description: `How many: 1 to ${maxTwinPaths}.` }),
    },
    resolve: (_root, { prefix, first }, context) => {
      const { deps } = context
      deps.throttles.take('queries')
      return readTwinPaths(deps, askerOf(context), { prefix: prefix ?? '', first: first ?? 100 })
    },
  }),
)
