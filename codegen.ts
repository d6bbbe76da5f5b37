import type { CodegenConfig } from '@graphql-codegen/cli'

const shared = {
  useTypeImports: true,
  enumsAsTypes: true,
  immutableTypes: true,
  strictScalars: true,
  scalars: { DateTime: 'string', JSON: 'unknown' },
}

/** schema.graphql and the documents in the sources → typed documents in src/generated/ (docs/graphql.md). */
const config: CodegenConfig = {
  schema: 'schema.graphql',
  ignoreNoDocuments: true,
  importExtension: '.ts',
  emitLegacyCommonJSImports: false,
  generates: {
    'src/generated/graphql/': {
      preset: 'client',
      documents: ['src/cli/**/*.ts', 'src/simulator/**/*.ts', 'bench/**/*.ts', 'test/**/*.ts', '!test/console/**'],
      // Fragments are for sharing fields here, not for hiding them between components.
      presetConfig: { fragmentMasking: false },
      // Documents are text with a type: clients need no GraphQL parser.
      config: { ...shared, documentMode: 'string' },
    },
    'src/generated/console/': {
      preset: 'client',
      documents: ['src/console/**/*.{ts,tsx}'],
      // A component sees the fields it asked for and no others. It is no hook, so it is not named like one.
      presetConfig: { fragmentMasking: { unmaskFunctionName: 'readFragment' } },
      // The hub answers every field that was asked for: null it may be, missing it is not.
      config: { ...shared, avoidOptionals: { field: true } },
    },
  },
}

export default config
