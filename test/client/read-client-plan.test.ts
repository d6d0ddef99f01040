import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Client, CipherloomError, readClientPlan } from '../../src/client/index.ts';
import { findPrimes } from '../seal/toy-parameters.ts';
import { squarePlan } from './toy-plan.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const good = JSON.parse(JSON.stringify(squarePlan)) as Record<string, Json>;

/** The plan with one value changed; the path is that of the message. */
function changed(path: string, value: Json | undefined): unknown {
  const copy = structuredClone(good);
  const keys = path.split(/[.[\]]+/).filter((key) => key !== '');
  const last = keys.pop() ?? '';
  let at: Record<string, Json> = copy;
  for (const key of keys) at = at[key] as Record<string, Json>;
  if (value === undefined) Reflect.deleteProperty(at, last);
  else at[last] = value;
  return copy;
}

/** Path of every value of the plan. */
function paths(value: Json, path = ''): string[] {
  const below = Array.isArray(value)
    ? value.flatMap((item, i) => paths(item, `${path}[${i}]`))
    : typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([key, item]) =>
          paths(item, path === '' ? key : `${path}.${key}`),
        )
      : [];
  return path === '' ? below : [path, ...below];
}

test('a good plan reads to itself, as text and as a value', () => {
  expect(readClientPlan(good)).toEqual(squarePlan);
  expect(readClientPlan(JSON.stringify(good))).toEqual(squarePlan);
});

test('fields nobody knows are dropped', () => {
  expect(readClientPlan({ ...good, extra: 1 })).toEqual(squarePlan);
});

describe('every field is checked', () => {
  test.each(paths(good))('%s', (path) => {
    for (const value of [undefined, { not: 'this' }] as const) {
      let error: unknown = null;
      try {
        readClientPlan(changed(path, value));
      } catch (caught) {
        error = caught;
      }
      expect(error, `${path} = ${JSON.stringify(value)}`).toBeInstanceOf(CipherloomError);
      expect(error).toMatchObject({ code: 'PLAN_INVALID', exit: 3 });
    }
  });

  test.each([
    ['format', 2, /format is 2, this build reads 1/],
    ['planHash', 'AB'.repeat(32), /planHash must be 64 lower-case hex digits/],
    ['parameters.ringDegree', 12345.5, /ringDegree must be an integer/],
    ['parameters.primes', [], /at least 1/],
    ['parameters.primes[0]', '12e3', /primes\[0\] must be a decimal number/],
    ['parameters.securityTarget', 80, /one of 128, 192, 256/],
    ['batch', 3, /a layout of 3 images/],
    ['inputs[0].level', 4, /level must be an integer from 0 to 3/],
    ['inputs[0].range', [1, -1], /ascending/],
    ['inputs[0].scale', 0.5, /scale must be at least 1/],
    ['inputs[0].layout.slots', 2048, /half the ring degree/],
    ['inputs[0].layout.digits[0].stride', 4, /two elements share a slot/],
    ['inputs[0].layout.digits[0].size', 2 ** 31, /digits\[0\].size must be/],
    ['inputs[0].layout.digits[2].size', 3, /an element has no slot/],
    ['outputs', [], /outputs must be a list of at least 1/],
    ['outputs[0].postprocess', [{ op: 'relu', axis: 0 }], /one of softmax/],
    ['outputs[0].postprocess', [{ op: 'softmax', axis: 2 }], /has the axis 2 of/],
    ['outputs[0].postprocess', [{ op: 'softmax', axis: 99 }], /axis must be/],
    ['outputs[0].postprocess', [{ op: 'topValues', axis: 1, count: 99 }], /takes 99 of/],
    ['outputs[0].postprocess', [{ op: 'topValues', axis: 1, count: 0.5 }], /count must be/],
    ['keys.rotations', [{ step: 0, primes: 1 }], /other than 0/],
    ['keys.rotations', [{ step: 4096, primes: 1 }], /step must be an integer from -4095/],
    ['keys.rotations', [{ step: 1, primes: 5 }], /primes must be an integer from 1 to 4/],
    [
      'keys.rotations',
      [
        { step: 1, primes: 1 },
        { step: 1, primes: 2 },
      ],
      /occur once/,
    ],
  ] as [string, Json, RegExp][])('%s = %j', (path, value, message) => {
    expect(() => readClientPlan(changed(path, value))).toThrow(message);
  });
});

test('no JSON, wrong JSON, and __proto__', () => {
  for (const text of ['', '{', 'null', '[]', '1', '"x"', '{"__proto__": {"format": 1}}']) {
    expect(() => readClientPlan(text)).toThrow(CipherloomError);
  }
  expect(({} as { format?: unknown }).format).toBeUndefined();
});

test('random damage never escapes as another error', () => {
  const all = paths(good);
  fc.assert(
    fc.property(fc.constantFrom(...all), fc.jsonValue(), (path, value) => {
      try {
        readClientPlan(changed(path, value as Json));
      } catch (error) {
        expect(error).toBeInstanceOf(CipherloomError);
      }
    }),
    { numRuns: 500 },
  );
});

describe('security is recomputed', () => {
  test('128 bits hold, and the figure in the file does not matter', () => {
    using client = Client.load(squarePlan);
    expect(client.insecure).toBe(false);
  });

  test('one prime more than 214 bits allow is refused (A2, L2)', () => {
    const { parameters } = squarePlan;
    // 202 + 36 bits at ring degree 8192.
    const primes = [...parameters.primes, String(findPrimes(8192, [44, 36, 36, 36, 36]).at(-1))];
    const plan = { ...squarePlan, parameters: { ...parameters, primes } };
    expect(() => Client.load(plan)).toThrow(/ring degree 8192 is above 214/);
    try {
      Client.load(plan);
    } catch (error) {
      expect(error).toMatchObject({ code: 'PARAMETERS_INSECURE', exit: 6 });
    }
    using client = Client.load({ ...plan, parameters: { ...parameters, primes, insecure: true } });
    expect(client.insecure).toBe(true);
  });

  test('a plan that asks for 192 bits and has 128 is refused', () => {
    const parameters = { ...squarePlan.parameters, securityTarget: 192 };
    expect(() => Client.load({ ...squarePlan, parameters })).toThrow(/limit for 192 bits/);
  });
});
