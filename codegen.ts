import type { CodegenConfig } from '@graphql-codegen/cli'

const shared = {
  useTypeImports: true,
  enumsAsTypes: true,
  immutableTypes: true,
  strictScalars: true,
  scalars: { DateTime: 'string', JSON: 'unknown' },
}

// A fragment is a selection that is written once. Masking would hide its fields from the code that selects it, but here
// hooks run the documents and hand the rows on. A component takes the type of its fragment, such as `JobsRowFragment`,
// so it sees the fields of that fragment and no others.
const presetConfig = { fragmentMasking: false }

// The hub knows the documents of its own programs by these files (src/graphql/transport/trusted-documents.ts).
const persistedDocuments = { hashAlgorithm: 'sha256' }

/** schema.graphql and the documents in the sources → typed documents in src/generated/ (docs/graphql.md). */
const config: CodegenConfig = {
  schema: 'schema.graphql',
  ignoreNoDocuments: true,
  importExtension: '.ts',
  emitLegacyCommonJSImports: false,
  generates: {
    'src/generated/graphql/': {
      preset: 'client',
      documents: ['bench/*.ts', 'test/**/*.ts', '!test/console/**'],
      presetConfig,
      // Documents are text with a type: clients need no GraphQL parser.
      config: { ...shared, documentMode: 'string' },
    },
    'src/generated/commands/': {
      preset: 'client',
      documents: ['src/cli/**/*.ts', 'src/simulator/**/*.ts'],
      presetConfig: { ...presetConfig, persistedDocuments },
      config: { ...shared, documentMode: 'string' },
    },
    'src/generated/library/': {
      preset: 'client',
      documents: ['src/library/**/*.ts'],
      presetConfig,
      config: { ...shared, documentMode: 'string' },
    },
    'src/generated/console/': {
      preset: 'client',
      documents: ['src/console/**/*.{ts,tsx}'],
      presetConfig: { ...presetConfig, persistedDocuments },
      // The hub answers every field that was asked for: null it may be, missing it is not.
      config: { ...shared, avoidOptionals: { field: true } },
    },
  },
}

export default config
