import { graphql } from '../../generated/console/index.ts'

// What several pages select. Documents name fragments; nothing imports them.

/** An error of a result union, for the component `DomainError`. */
graphql(`
  fragment DomainError on Error {
    __typename
    code
    message
    ... on InvalidInputError {
      path
    }
    ... on LimitExceededError {
      retryAfterSeconds
    }
    ... on NotFoundError {
      kind
    }
  }
`)

/** The counters of a job, for `Statistics`. */
graphql(`
  fragment Counters on DeviceJobStatistics {
    deviceCount
    pendingCount
    runningCount
    succeededCount
    refusedCount
    failedCount
    cancelledCount
  }
`)

/** A count that may be a lower bound. */
graphql(`
  fragment Count on PreviewCount {
    value
    precision
  }
`)

/** What a job does, for `describeOperation`. */
graphql(`
  fragment Operation on Job {
    cloudToDeviceMethod {
      methodName
    }
    updateTwin
  }
`)

/** What a job does, with all its values. */
graphql(`
  fragment WholeOperation on Job {
    cloudToDeviceMethod {
      methodName
      payload
      connectTimeoutInSeconds
      responseTimeoutInSeconds
    }
    updateTwin
  }
`)

/** Whether a list goes on, and where, for `usePages`. */
graphql(`
  fragment NextPage on PageInfo {
    hasNextPage
    endCursor
  }
`)

/** A device in a list, with its connection. */
graphql(`
  fragment DeviceState on Device {
    id
    deviceId
    status
    connectionState
    lastActivityTime
  }
`)

/** The state of a device job, and its outcome. */
graphql(`
  fragment DeviceJobState on DeviceJob {
    id
    status
    result
    skipped
    startTime
    endTime
    error {
      code
      description
    }
    outcome {
      status
      payload
    }
  }
`)

/** Who uses the console. It requires no right, so it also finds out whether the hub accepts the token. */
export const ViewerDocument = graphql(`
  query ConsoleViewer {
    viewer {
      kind
      name
      roles
      rights
      scope
    }
  }
`)

/** A query that requires a right. Its error says why the viewer has no rights. */
export const LackDocument = graphql(`
  query ConsoleLack {
    devices(first: 1) {
      nodes {
        deviceId
      }
    }
  }
`)
