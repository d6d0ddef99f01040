/** A plan as compile writes it, for a program that a test runs by hand. */
import type { ClientPlan } from '../../src/layout/client-plan.ts';
import { zeroUnused, type Layout } from '../../src/layout/layout.ts';
import { findPrimes, toyPlanHash } from '../seal/toy-parameters.ts';

export const ringDegree = 8192;
const slots = ringDegree / 2;

/** 202 bits: 128-bit security at 8192 allows 214. */
export const primes = findPrimes(ringDegree, [44, 36, 36, 36, 50]);

/** Two images of 4 × 4 in the slots, one after the other. */
export const inputLayout: Layout = {
  shape: [1, 1, 4, 4],
  slots,
  ciphertexts: 1,
  origin: [0, 0, 0, 0],
  digits: [
    { of: 'batch', size: 2, step: 1, place: 'slot', stride: 16 },
    { of: 2, size: 4, step: 1, place: 'slot', stride: 4 },
    { of: 3, size: 4, step: 1, place: 'slot', stride: 1 },
  ],
  unused: zeroUnused,
};

export const outputLayout: Layout = {
  shape: [1, 16],
  slots,
  ciphertexts: 1,
  origin: [0, 0],
  digits: [
    { of: 'batch', size: 2, step: 1, place: 'slot', stride: 16 },
    { of: 1, size: 16, step: 1, place: 'slot', stride: 1 },
  ],
  unused: zeroUnused,
};

const scale = 2 ** 36;

/** y = x², from three primes down to two. */
export const squarePlan: ClientPlan = {
  format: 1,
  producer: 'test',
  name: 'square',
  planHash: toyPlanHash,
  parameters: {
    ringDegree,
    primes: primes.slice(0, -1).map(String),
    specialPrimes: primes.slice(-1).map(String),
    securityTarget: 128,
    insecure: false,
  },
  batch: 2,
  inputs: [
    { name: 'image', shape: [1, 1, 4, 4], layout: inputLayout, level: 2, scale, range: [-1, 1] },
  ],
  outputs: [
    {
      name: 'squares',
      shape: [1, 16],
      layout: outputLayout,
      level: 1,
      // What the plan stamps: S² / q_2, rounded once.
      scale: scale ** 2 / Number(primes[2]),
      bound: 1,
      postprocess: [],
    },
  ],
  keys: { relinearisation: { primes: 3 }, rotations: [{ step: 16, primes: 2 }] },
  precisionBits: 12,
};
