import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextJob } from '../../../src/server/queue/local/next-job.ts';

const turn = (tenant: string, keys = tenant) => ({ tenant, keys, planHash: 'p' });

test('the first that came, where tenants have as many running', () => {
  expect(nextJob([turn('a'), turn('b')], [])).toBe(0);
  expect(nextJob([], [turn('a')])).toBe(-1);
});

test('a tenant with fewer running goes first; keys in use wait', () => {
  expect(nextJob([turn('a', 'k2'), turn('b')], [turn('a', 'k1')])).toBe(1);
  expect(nextJob([turn('a', 'k1'), turn('a', 'k2')], [turn('a', 'k1')])).toBe(1);
  expect(nextJob([turn('a', 'k1')], [turn('a', 'k1')])).toBe(-1);
  // The same keys of another tenant are other keys.
  expect(nextJob([turn('b', 'k1')], [turn('a', 'k1')])).toBe(0);
});

test('never one whose keys are in use, and no tenant that may run starves', () => {
  const jobs = fc.array(
    fc.record({
      tenant: fc.constantFrom('a', 'b', 'c'),
      keys: fc.constantFrom('1', '2'),
      planHash: fc.constantFrom('p', 'q'),
    }),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(jobs, jobs, (waiting, running) => {
      const same = (job: (typeof waiting)[number]) =>
        running.some(
          (run) =>
            run.tenant === job.tenant && run.keys === job.keys && run.planHash === job.planHash,
        );
      const count = (tenant: string) => running.filter((run) => run.tenant === tenant).length;
      const free = waiting.filter((job) => !same(job));
      const chosen = waiting[nextJob(waiting, running)];
      if (free.length === 0) {
        expect(chosen).toBeUndefined();
        return;
      }
      expect(same(chosen!)).toBe(false);
      expect(count(chosen!.tenant)).toBe(Math.min(...free.map(({ tenant }) => count(tenant))));
      // And of those with as few, the one that came first.
      expect(free.find(({ tenant }) => count(tenant) === count(chosen!.tenant))).toBe(chosen);
    }),
  );
});
