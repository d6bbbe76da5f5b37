import { createRequire } from 'node:module'
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/support/longest-first.ts'
import { projects } from './test/support/projects.ts'
import { RepeatedTests } from './test/support/repeated-tests.ts'

const require = createRequire(import.meta.url)

const ofEachProject = {
  runner: './test/support/runner.ts',
  // No test is about these times. They only end a run that hangs, so they are longer than a busy machine needs.
  testTimeout: 120_000,
  hookTimeout: 120_000,
  expect: { poll: { timeout: 60_000 } },
}

export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    reporters: ['default', new RepeatedTests()],
    // Twice as many as cores that CI has: many tests wait most of their time, for tokens and leases that end.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    projects: Object.entries(projects).map(([name, files]) => ({
      resolve: {
        // Vite would take graphql's "module" file and Node its "main": two copies, which refuse each other's types.
        alias: [{ find: /^graphql$/, replacement: require.resolve('graphql') }],
      },
      test: { name, ...files, ...ofEachProject },
    })),
  },
})
