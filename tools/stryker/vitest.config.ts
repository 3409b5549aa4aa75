import { defineConfig } from 'vitest/config';

/** The tests that judge mutants of kernel and chart: without projects, which Stryker does not know. */
export default defineConfig({
  test: { include: ['test/{kernel,chart,scenarios}/**/*.test.ts'], pool: 'threads', isolate: false },
});
