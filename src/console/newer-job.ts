/** The field of a job that determines which of two of its states is newer. */
export type JobState = { readonly version: number }

/**
 * The newer of two states of a job. Queries and the subscription both report the state, and an answer may arrive after
 * a newer event.
 */
export const newerOf = <Job extends JobState>(known: Job | undefined, reported: Job): Job =>
  known !== undefined && reported.version < known.version ? known : reported
