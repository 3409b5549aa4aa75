import { defineConfig } from 'vitest/config';

/** Isolation is what costs most: only tests that need processes of their own get it. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/crash/**', 'test/package/**', 'test/cli/**', 'test/docs/**'],
          isolate: false,
          pool: 'threads',
          maxWorkers: 2,
          // What explores takes seconds where other processes have the cores.
          testTimeout: 20_000,
        },
      },
      { test: { name: 'types', include: [], typecheck: { enabled: true, only: true, include: ['test/types/**/*.test-d.ts'] } } },
      // Real processes, real signals, real time: one file after the other, so that they do not disturb each other's clocks.
      {
        test: {
          name: 'processes',
          include: ['test/{cli,crash,docs,package}/**/*.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      reporter: ['text-summary'],
      // What carries runs over, forks them and tells charts apart is on its way there.
      thresholds: {
        'src/kernel/!(fork|migrate).ts': { 100: true },
        'src/chart/!(difference|fork|rewind|shape-steps).ts': { 100: true },
        'src/chart/{carry/**,difference.ts,fork.ts,rewind.ts,shape-steps.ts}': { lines: 85, statements: 80, branches: 70, functions: 85 },
      },
    },
  },
});
