import type { CodegenConfig } from '@graphql-codegen/cli'

/** The schema and the documents in src/ → a type for every document, in src/generated/. */
const config: CodegenConfig = {
  // A file, or the address of a hub: SCHEMA=http://localhost:4000/graphql.
  schema: process.env.SCHEMA ?? '../../schema.graphql',
  documents: ['src/**/*.ts', '!src/generated/**'],
  importExtension: '.ts',
  emitLegacyCommonJSImports: false,
  generates: {
    'src/generated/': {
      preset: 'client',
      // A function sees the fields of its own fragment, and none that another one happens to ask for.
      presetConfig: { fragmentMasking: { unmaskFunctionName: 'readFragment' } },
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        immutableTypes: true,
        // A scalar that has no type here is an error.
        strictScalars: true,
        scalars: { DateTime: 'string', JSON: 'unknown' },
      },
    },
  },
}

export default config
