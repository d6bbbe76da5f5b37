import type { CodegenConfig } from '@graphql-codegen/cli'
import { addTypenameSelectionDocumentTransform } from '@graphql-codegen/client-preset'

// #region codegen
/** Generates a type and an id for every document of operations.ts, and what Apollo's cache needs. */
const config: CodegenConfig = {
  // A file, or the address of a hub: SCHEMA=http://localhost:4000/graphql/.
  schema: process.env.SCHEMA ?? '../../schema.graphql',
  documents: ['operations.ts'],
  importExtension: '.ts',
  emitLegacyCommonJSImports: false,
  generates: {
    'generated/': {
      preset: 'client',
      presetConfig: {
        fragmentMasking: { unmaskFunctionName: 'readFragment' },
        // Writes generated/persisted-documents.json, the file for TRUSTED_DOCUMENTS, and adds the ids to the documents.
        persistedDocuments: { hashAlgorithm: 'sha256' },
      },
      // The caches of urql and Apollo select __typename everywhere, so the trusted documents must do the same.
      documentTransforms: [addTypenameSelectionDocumentTransform],
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        immutableTypes: true,
        // A scalar that has no type here is an error, not an `any`.
        strictScalars: true,
        scalars: { DateTime: 'string', JSON: 'unknown' },
      },
    },
    // Which types are an `Error` or a `Node`. Without this, Apollo's cache drops what `... on Error` selects.
    'generated/possible-types.ts': {
      plugins: ['fragment-matcher'],
      config: { useExplicitTyping: true },
    },
  },
}

export default config
// #endregion
