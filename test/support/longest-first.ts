import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Folders whose files take long: they start other programs, or wait for what takes its time. */
const long = /\/test\/(?:browser|clients|database|examples|journeys)\//

/**
 * Starts the files with a process each before those that share processes, and in both groups the files of folders that
 * take long before the others, so that none of them is still running, alone, when all others have ended. Otherwise the
 * order is Vitest's: by how long the files took the last time, if that is known. Files that share processes must follow
 * each other: Vitest ends a process when the next file needs one of its own.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId, project }: TestSpecification): number =>
      (project.config.isolate ? 0 : 2) + (long.test(moduleId) ? 0 : 1)
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b))
  }
}
