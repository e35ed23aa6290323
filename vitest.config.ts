import { configDefaults, defineConfig } from 'vitest/config';

const folders = '{client,cli,common,hsm,operator,policy,proto,scripts,signer,statement}';
/** Tests beside the source that start processes and kill them: seconds each, so not among the unit tests. */
const processes = `${folders}/**/*.process.test.ts`;

export default defineConfig({
  test: {
    projects: [
      // Needs Helm, which is built for it: `npm run check:chart`.
      {
        test: {
          name: 'chart',
          include: ['test/chart/**/*.test.ts'],
          globalSetup: 'test/chart/global-setup.ts',
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'unit',
          include: [
            `${folders}/**/*.test.ts`,
            'test/{bench,cases,demo,docs,engines,lint,simulation,soak}/**/*.test.ts',
          ],
          exclude: [...configDefaults.exclude, processes],
          testTimeout: 20_000,
          // A machine may be busy with other things.
          expect: { poll: { timeout: 10_000 } },
          // A worker with modules of its own for each file would take as long as the tests.
          isolate: false,
          // All cores: left to itself it spares one, which is half of two.
          maxWorkers: '100%',
        },
      },
      {
        test: {
          name: 'integration',
          // Fuzzing measures CPU time, and takes seconds of it.
          include: [processes, 'test/*.test.ts', 'test/fuzz/**/*.test.ts', 'test/integration/**/*.test.ts'],
          globalSetup: 'test/global-setup.ts',
          // Whole wallets of real processes: side by side they would only measure one another.
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      // On a cluster, which is made for it: `npm run test:e2e`.
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: 'test/e2e/global-setup.ts',
          setupFiles: 'test/e2e/after-tests.ts',
          // There is one cluster.
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          testTimeout: 300_000,
          hookTimeout: 600_000,
          expect: { poll: { timeout: 60_000, interval: 500 } },
        },
      },
    ],
  },
});
