import { graphql } from '../../generated/console/index.ts'

/** Asks whether the hub would answer at all. */
export const ProbeDocument = graphql(`
  query ConsoleProbe {
    __typename
  }
`)
