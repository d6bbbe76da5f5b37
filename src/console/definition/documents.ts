import { graphql } from '../../generated/console/index.ts'

/** Which definitions of a kind change. */
export const DefinitionChangesDocument = graphql(`
  subscription DefinitionChanges($kind: DefinitionKind!) {
    definitionChanged(kind: $kind) {
      definitions {
        ... on Node {
          id
        }
      }
      deletedIds
      initial
    }
  }
`)
