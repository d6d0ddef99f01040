/** Choices by a seeded source of random numbers. */

/** Uniform in [0, 1). */
export type Random = () => number;

/** A whole number from 0 to `end` − 1; 0 where `end` is 0. */
export function whole(random: Random, end: number): number {
  return Math.floor(random() * end);
}

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[whole(random, from.length)]!;
}
