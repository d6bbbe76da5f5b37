import { createRequire } from 'node:module'
import { defineConfig } from 'vitest/config'
import { RepeatedTests } from './test/support/repeated-tests.ts'

const require = createRequire(import.meta.url)

export default defineConfig({
  resolve: {
    // Vite would take graphql's "module" file and Node its "main": two copies, which refuse each other's types.
    alias: [{ find: /^graphql$/, replacement: require.resolve('graphql') }],
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    runner: './test/support/runner.ts',
    reporters: ['default', new RepeatedTests()],
    // One more than cores that CI has: some tests wait most of their time, for tokens and leases that end.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 15_000 } },
  },
})
