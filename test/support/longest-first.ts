import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Folders whose files take long: they start other programs, or wait for what takes its time. */
const long = /\/test\/(?:browser|clients|database|examples|journeys)\//

/**
 * Starts the files of folders that take long before all others, so that none of them is still running, alone, when all
 * others have ended. Otherwise the order is Vitest's: by how long the files took the last time, if that is known. It keeps
 * files that share processes together, without which no process would be used again.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => (long.test(moduleId) ? 0 : 1)
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b))
  }
}
