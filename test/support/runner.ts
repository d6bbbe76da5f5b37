import type { RunnerTask, RunnerTestFile } from 'vitest'
import { TestRunner } from 'vitest'

/**
 * Repeats a test once where real programs meet: a browser, clients that others wrote, whole processes. On a loaded machine these
 * can fail for reasons that are not ours. Nothing else is repeated, and `repeated-tests.ts` lists at the end what needed it.
 */
export default class Runner extends TestRunner {
  onCollected(files: RunnerTestFile[]): void {
    for (const file of files) if (meetsOtherPrograms(file.filepath)) repeatOnce(file.tasks)
  }
}

/** Whether the tests of a file may be repeated. */
const meetsOtherPrograms = (path: string): boolean => /\/test\/(browser|clients|journeys)\//.test(path)

function repeatOnce(tasks: RunnerTask[]): void {
  for (const task of tasks) {
    if (task.type === 'suite') repeatOnce(task.tasks)
    else task.retry ??= 1
  }
}
