import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/e2e/**'],
    testTimeout: 60_000,
    // Many tests only wait for processes. A percentage would be cut to the number of cores.
    maxWorkers: 2 * availableParallelism(),
    // What a file leaves behind the next one finds: modules are loaded once a worker, and stand-ins end with their test.
    isolate: false,
    restoreMocks: true,
    unstubEnvs: true,
    unstubGlobals: true,
    allowOnly: false,
    reporters: ['default', ['json', { outputFile: 'coverage/tests.json' }]],
    coverage: { provider: 'v8', include: ['src/**/*.ts'], reporter: ['text-summary'], thresholds: { lines: 90 }, clean: false },
  },
});
