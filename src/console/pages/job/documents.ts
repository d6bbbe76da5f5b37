import { graphql } from '../../../generated/console/index.ts'

/** The fields that change while a job runs. They come from the subscription and occasional queries. */
graphql(`
  fragment JobNow on Job {
    version
    maxExecutionTimeInSeconds
    deadline
    status
    outcome
    selectedTime
    startedTime
    endTime
    statusMessage
    failureReason
    matchedCount
    throughput
    eta
    rollout {
      maxPerMinute
      ramp {
        from
        factor
        afterSucceeded
        perMinute
        nextStep {
          perMinute
          afterSucceeded
        }
      }
      maxConcurrent
      budget {
        groupBy
        maxConcurrent
      }
      window {
        days
        from
        to
        timeZone
        timeZoneFrom
      }
      retry {
        maxAttempts
        on
        backoffSeconds
        factor
        maxBackoffSeconds
      }
      abort {
        on
        errorCode
        responseStatus
        percent
        afterDevices
        action
        matchedCount
        endedCount
        hasActed
      }
    }
    deviceJobStatistics {
      ...Counters
      skippedCount
    }
    blockers {
      reason
      message
      until
      position
      job {
        jobId
      }
      deviceCount {
        ...Count
      }
    }
    failureGroups {
      code
      message
      responseStatus
      count
      share
      sample(first: 3) {
        id
        deviceId
      }
    }
  }
`)

/** A wave of the job. It is selected for jobs with waves only: the hub reads a row for each wave. */
graphql(`
  fragment WaveNow on JobWave {
    number
    devices
    percent
    queryCondition
    gate {
      succeededPercent
      soakSeconds
      approval
      onFailure
    }
    status
    closedTime
    gateOutcome
    soakEndTime
    deviceJobStatistics {
      ...Counters
    }
  }
`)

/** Data around the job that no subscription reports, so it is read repeatedly. */
graphql(`
  fragment JobAround on Job {
    retries {
      jobId
    }
    family {
      jobs {
        jobId
        status
        outcome
        createdTime
        endTime
        retryOf {
          jobId
        }
        deviceJobStatistics {
          ...Counters
        }
      }
      statistics {
        ...Counters
      }
    }
    history(last: 100) {
      time
      type
      status
      cause
      actor
      reason
      changed
      wave
      deviceCount
      cancellation {
        cancelledCount
      }
      version
    }
  }
`)

/** The part of a job that never changes. */
graphql(`
  fragment JobAsScheduled on Job {
    jobId
    name
    description
    labels {
      name
      value
    }
    type
    createdTime
    queryCondition
    targets
    onOverlap
    maxDevices
    skipCompliant
    startTime
    jobSchedule {
      scheduleId
    }
    ...WholeOperation
    retryOf {
      jobId
    }
    retrySelection {
      status
      result
      errorCode
      responseStatus
    }
  }
`)

/** All data of a job except its devices. */
export const JobPageDocument = graphql(`
  query JobPage($jobId: String!) {
    job(jobId: $jobId) {
      ...JobAsScheduled
      ...JobNow
      ...JobAround
      waves {
        ...WaveNow
      }
    }
  }
`)

/** How many devices of a job no longer match. Counting may take long. */
export const JobDriftDocument = graphql(`
  query JobDrift($jobId: String!) {
    job(jobId: $jobId) {
      drift {
        left {
          ...Count
        }
      }
    }
  }
`)

/** The data of a job that may change without an event. */
export const JobPulseDocument = graphql(`
  query JobPulse($jobId: String!, $hasWaves: Boolean!) {
    job(jobId: $jobId) {
      ...JobNow
      ...JobAround
      waves @include(if: $hasWaves) {
        ...WaveNow
      }
    }
  }
`)

export const JobProgressDocument = graphql(`
  subscription JobProgress($jobId: String!, $hasWaves: Boolean!, $after: Int) {
    deviceJobStatistics(jobId: $jobId, after: $after) {
      version
      job {
        ...JobNow
        waves @include(if: $hasWaves) {
          ...WaveNow
        }
      }
    }
  }
`)

/** A row of the table of devices. */
graphql(`
  fragment JobDevice on DeviceJob {
    ...DeviceJobState
    deviceId
  }
`)

export const JobDevicesDocument = graphql(`
  query JobDevices($jobId: String!, $filter: DeviceJobFilter, $orderBy: DeviceJobOrder, $first: Int!, $after: String) {
    job(jobId: $jobId) {
      deviceJobs(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
        totalCount
        nodes {
          ...JobDevice
        }
        pageInfo {
          ...NextPage
        }
      }
    }
  }
`)

/** Reads the rows in view again, with the current number of rows that pass the filter. */
export const JobDevicesAgainDocument = graphql(`
  query JobDevicesAgain($ids: [ID!]!, $jobId: String!, $filter: DeviceJobFilter, $counted: Boolean!) {
    nodes(ids: $ids) {
      __typename
      ...JobDevice
    }
    job(jobId: $jobId) @include(if: $counted) {
      deviceJobs(filter: $filter, first: 1) {
        totalCount
      }
    }
  }
`)

/** The progress of the job so far, for the chart. */
export const JobSamplesDocument = graphql(`
  query JobSamples($jobId: String!) {
    job(jobId: $jobId) {
      samples {
        time
        deviceJobStatistics {
          ...Counters
        }
      }
    }
  }
`)

export const JobPauseDocument = graphql(`
  mutation JobPause($input: PauseJobInput!) {
    pauseJob(input: $input) {
      __typename
      ... on PauseJobPayload {
        callsInProgress
        job {
          id
          ...JobNow
        }
      }
      ...DomainError
    }
  }
`)

export const JobUpdateDocument = graphql(`
  mutation JobUpdate($input: UpdateJobInput!) {
    updateJob(input: $input) {
      __typename
      ... on UpdateJobPayload {
        job {
          id
          ...JobNow
        }
      }
      ...DomainError
    }
  }
`)

export const JobResumeDocument = graphql(`
  mutation JobResume($input: ResumeJobInput!) {
    resumeJob(input: $input) {
      __typename
      ... on ResumeJobPayload {
        job {
          id
          ...JobNow
        }
      }
      ...DomainError
    }
  }
`)

export const JobOpenWaveDocument = graphql(`
  mutation JobOpenWave($input: OpenWaveInput!) {
    openWave(input: $input) {
      __typename
      ... on OpenWavePayload {
        job {
          id
          ...JobNow
        }
      }
      ...DomainError
    }
  }
`)

export const JobApproveDocument = graphql(`
  mutation JobApprove($input: ApproveJobInput!) {
    approveJob(input: $input) {
      __typename
      ... on ApproveJobPayload {
        job {
          id
          ...JobNow
        }
      }
      ...DomainError
    }
  }
`)

export const JobRejectDocument = graphql(`
  mutation JobReject($input: RejectJobInput!) {
    rejectJob(input: $input) {
      __typename
      ... on RejectJobPayload {
        job {
          id
          ...JobNow
        }
      }
      ...DomainError
    }
  }
`)

export const JobCancelDocument = graphql(`
  mutation JobCancel($input: CancelJobInput!) {
    cancelJob(input: $input) {
      __typename
      ... on CancelJobPayload {
        job {
          id
          ...JobNow
        }
      }
      ...DomainError
    }
  }
`)

export const JobCancelDevicesDocument = graphql(`
  mutation JobCancelDevices($input: CancelDeviceJobsInput!) {
    cancelDeviceJobs(input: $input) {
      __typename
      ... on CancelDeviceJobsPayload {
        cancelledCount
        callsInProgress
        job {
          id
          ...JobNow
        }
      }
      ...DomainError
    }
  }
`)

export const JobRetryDocument = graphql(`
  mutation JobRetry($input: RetryJobInput!) {
    retryJob(input: $input) {
      __typename
      ... on RetryJobPayload {
        jobId
        job {
          id
        }
      }
      ...DomainError
    }
  }
`)
