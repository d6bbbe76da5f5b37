import { graphql } from '../../generated/console/index.ts'

/** A schedule, in the list and on its page. */
graphql(`
  fragment JobScheduleNow on JobSchedule {
    id
    scheduleId
    description
    templateId
    cron
    timeZone
    endTime
    onMissed
    onOverlap
    status
    statusReason
    author
    scope
    createdTime
    etag
  }
`)

/** What a schedule did at a planned time. */
graphql(`
  fragment JobScheduleRunRow on JobScheduleRun {
    time
    outcome
    reason
    jobId
    job {
      id
      status
      outcome
      endTime
      deviceJobStatistics {
        ...Counters
      }
    }
  }
`)

/** A schedule in the list. */
graphql(`
  fragment JobScheduleRow on JobSchedule {
    ...JobScheduleNow
    nextTimes(first: 1)
    runs(first: 1) {
      ...JobScheduleRunRow
    }
  }
`)

/** The rows of the list that change. */
export const JobSchedulesChangedDocument = graphql(`
  subscription JobSchedulesChanged {
    definitionChanged(kind: JOB_SCHEDULE) {
      definitions {
        __typename
        ...JobScheduleRow
      }
      deletedIds
      initial
    }
  }
`)

/** The states of jobs, some of which schedules have scheduled. */
export const JobScheduleJobsDocument = graphql(`
  subscription JobScheduleJobs($filter: JobFilter) {
    jobChanged(filter: $filter) {
      job {
        id
        jobId
        status
        outcome
        endTime
        deviceJobStatistics {
          ...Counters
        }
      }
    }
  }
`)

/** A page of the list, by ID. */
export const JobSchedulesListDocument = graphql(`
  query JobSchedulesList($first: Int!, $after: String) {
    jobSchedules(first: $first, after: $after) {
      nodes {
        ...JobScheduleRow
      }
      pageInfo {
        ...NextPage
      }
    }
  }
`)

/** A schedule with its next times, and what it did at the last ones. */
export const JobSchedulePageDocument = graphql(`
  query JobSchedulePage($scheduleId: String!) {
    jobSchedule(scheduleId: $scheduleId) {
      ...JobScheduleNow
      nextTimes(first: 5)
      runs(first: 50) {
        ...JobScheduleRunRow
      }
    }
  }
`)

export const JobScheduleCreateDocument = graphql(`
  mutation JobScheduleCreate($input: CreateJobScheduleInput!) {
    createJobSchedule(input: $input) {
      __typename
      ... on CreateJobSchedulePayload {
        jobSchedule {
          ...JobScheduleNow
        }
      }
      ...DomainError
    }
  }
`)

export const JobScheduleUpdateDocument = graphql(`
  mutation JobScheduleUpdate($input: UpdateJobScheduleInput!) {
    updateJobSchedule(input: $input) {
      __typename
      ... on UpdateJobSchedulePayload {
        jobSchedule {
          ...JobScheduleNow
        }
      }
      ...DomainError
    }
  }
`)

export const JobSchedulePauseDocument = graphql(`
  mutation JobSchedulePause($input: PauseJobScheduleInput!) {
    pauseJobSchedule(input: $input) {
      __typename
      ... on PauseJobSchedulePayload {
        jobSchedule {
          ...JobScheduleNow
        }
      }
      ...DomainError
    }
  }
`)

export const JobScheduleResumeDocument = graphql(`
  mutation JobScheduleResume($input: ResumeJobScheduleInput!) {
    resumeJobSchedule(input: $input) {
      __typename
      ... on ResumeJobSchedulePayload {
        jobSchedule {
          ...JobScheduleNow
        }
      }
      ...DomainError
    }
  }
`)

export const JobScheduleDeleteDocument = graphql(`
  mutation JobScheduleDelete($input: DeleteJobScheduleInput!) {
    deleteJobSchedule(input: $input) {
      __typename
      ... on DeleteJobSchedulePayload {
        id
      }
      ...DomainError
    }
  }
`)
