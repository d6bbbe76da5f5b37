import { graphql } from '../../../generated/console/index.ts'

/** The fields that a row shows. */
graphql(`
  fragment JobsRow on Job {
    id
    jobId
    name
    labels {
      name
      value
    }
    type
    status
    version
    outcome
    queryCondition
    createdTime
    startTime
    endTime
    maxDevices
    matchedCount
    ...Operation
    deviceJobStatistics {
      ...Counters
    }
  }
`)

/** A page of the list. */
export const JobsListDocument = graphql(`
  query JobsList($filter: JobFilter, $orderBy: JobOrder, $first: Int!, $after: String) {
    jobs(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
      totalCount
      nodes {
        ...JobsRow
      }
      pageInfo {
        ...NextPage
      }
    }
  }
`)

/** Jobs as they are created and change. */
export const JobsUpdatedDocument = graphql(`
  subscription JobsUpdated($filter: JobFilter) {
    jobChanged(filter: $filter) {
      job {
        ...JobsRow
      }
    }
  }
`)

/** Jobs by their IDs, as they are now. */
export const JobsAgainDocument = graphql(`
  query JobsAgain($ids: [ID!]!) {
    nodes(ids: $ids) {
      __typename
      ...JobsRow
    }
  }
`)
