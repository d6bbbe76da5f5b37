import type { Reporter, TestModule } from 'vitest/node'

/** Lists at the end of a run the tests that passed only when they were repeated: each is a fault to mend. */
export class RepeatedTests implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const repeated = modules.flatMap((module) =>
      [...module.children.allTests()].filter((test) => (test.diagnostic()?.retryCount ?? 0) > 0),
    )
    if (repeated.length === 0) return
    console.log(`\n${repeated.length === 1 ? 'One test was' : `${repeated.length} tests were`} repeated:`)
    for (const test of repeated) {
      const outcome = test.result().state === 'passed' ? 'passed the second time' : 'failed twice'
      console.log(`  ${test.module.relativeModuleId} > ${test.fullName}: ${outcome}`)
      for (const { message, diff = '' } of test.result().errors ?? []) {
        for (const line of [message.split('\n')[0], ...diff.split('\n').slice(0, 20)]) console.log(`    ${line}`)
      }
    }
  }
}
