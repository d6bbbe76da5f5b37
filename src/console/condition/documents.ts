import { graphql } from '../../generated/console/index.ts'

/** Paths that exist in the fleet, for completion. */
export const ConditionPathsDocument = graphql(`
  query ConditionPaths($prefix: String, $first: Int!) {
    twinPaths(prefix: $prefix, first: $first) {
      path
      types
      deviceCount
      sampleValues
    }
  }
`)
