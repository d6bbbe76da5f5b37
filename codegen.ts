import type { CodegenConfig } from '@graphql-codegen/cli'

/** schema.graphql and the documents in the sources → typed documents in src/generated/graphql/ (docs/graphql.md). */
const config: CodegenConfig = {
  schema: 'schema.graphql',
  documents: ['src/cli/**/*.ts', 'src/simulator/**/*.ts', 'test/**/*.ts'],
  ignoreNoDocuments: true,
  importExtension: '.ts',
  emitLegacyCommonJSImports: false,
  generates: {
    'src/generated/graphql/': {
      preset: 'client',
      // Fragments are for sharing fields here, not for hiding them between components.
      presetConfig: { fragmentMasking: false },
      config: {
        // Documents are text with a type: clients need no GraphQL parser.
        documentMode: 'string',
        useTypeImports: true,
        enumsAsTypes: true,
        immutableTypes: true,
        strictScalars: true,
        scalars: { DateTime: 'string', JSON: 'unknown' },
      },
    },
  },
}

export default config
