import { defineConfig } from 'vitest/config';

/** Heavy tests: real size, real processes. One at a time, for they measure memory. */
export default defineConfig({
  test: {
    include: ['test/e2e/**/*.test.ts'],
    testTimeout: 600_000,
    fileParallelism: false,
    allowOnly: false,
    reporters: ['default', ['json', { outputFile: 'coverage/tests.e2e.json' }]],
  },
});
