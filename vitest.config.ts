import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Small files of long tests: vitest starts large files first, and one that is last works alone. */
const longFiles = ['test/passes/lowered-semantics.test.ts'];

class LongFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification) =>
      longFiles.some((file) => moduleId.endsWith(file));
    // Projects stay one after the other.
    return [...new Set(sorted.map(({ project }) => project))].flatMap((project) => {
      const own = sorted.filter((file) => file.project === project);
      return [...own.filter(isLong), ...own.filter((file) => !isLong(file))];
    });
  }
}

// Three tiers by cost, told apart by the file's suffix:
//   *.test.ts       unit: seconds, no encryption or a toy ring          npm test
//   *.he.test.ts    he: real encryption, minutes altogether             npm test
//   *.full.test.ts  full: whole networks, long runs                     npm run test:full
// and one apart, because it fails where there is no Chromium:
//   *.browser.test.ts                                                   npm run test:browser
// and one that fails where there is no NATS server:
//   *.service.test.ts                                                   npm run test:service
export default defineConfig({
  test: {
    // A WASM instance that traps or grows must not outlive its test file.
    pool: 'forks',
    maxWorkers: 2,
    hookTimeout: 120_000,
    sequence: { sequencer: LongFilesFirst },
    // The programs that tests start share the code that Node has compiled of them.
    env: { NODE_COMPILE_CACHE: `${import.meta.dirname}/node_modules/.cache/compiled` },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [
            '**/*.he.test.ts',
            '**/*.full.test.ts',
            '**/*.browser.test.ts',
            '**/*.service.test.ts',
          ],
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: { name: 'he', include: ['test/**/*.he.test.ts'], testTimeout: 300_000 },
      },
      {
        extends: true,
        test: { name: 'browser', include: ['test/**/*.browser.test.ts'], testTimeout: 300_000 },
      },
      {
        extends: true,
        test: { name: 'service', include: ['test/**/*.service.test.ts'], testTimeout: 1_800_000 },
      },
      {
        extends: true,
        test: { name: 'full', include: ['test/**/*.full.test.ts'], testTimeout: 1_800_000 },
      },
    ],
  },
});
