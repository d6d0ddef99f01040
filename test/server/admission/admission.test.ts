import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Admission } from '../../../src/server/admission/admission.ts';
import type { Admitted } from '../../../src/server/admission/admission.ts';

const state = () => ({ waiting: 0, running: 0, capacity: 2 });
const limits = { queueLength: 3, tenantRequests: 4, maxBodyBytes: 1000, state };

test('takes what runs and waits, and tells the others how long to wait', () => {
  const refusals: string[] = [];
  const admission = new Admission({ ...limits, onRefusal: (reason) => refusals.push(reason) });
  const places = Array.from({ length: 5 }, (_, k) => admission.enter(`t${k}`, 10));
  expect(() => admission.enter('late', 10)).toThrow(
    expect.objectContaining({ status: 503, code: 'SERVER_BUSY', retryAfter: 1 }),
  );
  places[0]![Symbol.dispose]();
  admission.enter('late', 10);
  expect(refusals).toEqual(['queue']);
});

test('refuses a tenant with too many, bodies that do not fit now, and ones that never will', () => {
  const admission = new Admission(limits);
  for (let k = 0; k < 4; k++) admission.enter('a', 200);
  expect(() => admission.enter('a', 1)).toThrow(expect.objectContaining({ status: 429 }));
  expect(() => admission.enter('b', 201)).toThrow(expect.objectContaining({ status: 503 }));
  expect(() => admission.enter('b', 1001)).toThrow(
    expect.objectContaining({ status: 413, code: 'RESOURCE_LIMIT' }),
  );
  admission.enter('b', 200);
});

test('a longer evaluation makes Retry-After longer', () => {
  const admission = new Admission(limits);
  const places = Array.from({ length: 5 }, (_, k) => admission.enter(`t${k}`, 10));
  for (let k = 0; k < 50; k++) places[0]!.took(60_000);
  expect(() => admission.enter('late', 10)).toThrow(
    expect.objectContaining({
      retryAfter: expect.toSatisfy((s: number) => s > 50 && s <= 60) as unknown,
    }),
  );
});

test('takes nothing more once it stops, and waits for those that are here', async () => {
  const admission = new Admission(limits);
  const place = admission.enter('a', 10);
  let idle = false;
  const stopped = admission.stop().then(() => (idle = true));
  expect(() => admission.enter('b', 10)).toThrow(/stopping/);
  await Promise.resolve();
  expect(idle).toBe(false);
  place[Symbol.dispose]();
  await stopped;
  await new Admission(limits).stop();
});

test('whatever comes and goes, the limits hold and nothing is left at the end', () => {
  const step = fc.oneof(
    fc.record({ tenant: fc.constantFrom('a', 'b', 'c'), bytes: fc.integer({ min: 0, max: 1200 }) }),
    fc.nat(9),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const admission = new Admission(limits);
      const places: { place: Admitted; tenant: string; bytes: number }[] = [];
      for (const each of steps) {
        if (typeof each === 'number') {
          const [left] = places.splice(each % Math.max(places.length, 1), 1);
          left?.place[Symbol.dispose]();
          // Twice is once.
          left?.place[Symbol.dispose]();
        } else {
          try {
            places.push({ ...each, place: admission.enter(each.tenant, each.bytes) });
          } catch (error) {
            expect(error).toHaveProperty('status');
          }
        }
        const bytes = places.reduce((sum, place) => sum + place.bytes, 0);
        expect([admission.requests, admission.bodyBytes]).toEqual([places.length, bytes]);
        expect(bytes).toBeLessThanOrEqual(1000);
        expect(places.length).toBeLessThanOrEqual(5);
      }
      for (const { place } of places) place[Symbol.dispose]();
      expect([admission.requests, admission.bodyBytes]).toEqual([0, 0]);
    }),
  );
});
