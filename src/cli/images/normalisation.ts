/** How numbers are made of pixels, as the command line says it. */
import { z } from 'zod';
import type { Normalisation } from '../../frontend/images/normalise-image.ts';
import { usageError } from '../usage-error.ts';

export const normalisationOptions = {
  mean: {
    value: 'M,…',
    schema: channelNumbers().optional(),
    describe: 'taken from the pixels in 0…1, one for all or for each channel; default 0',
  },
  std: {
    value: 'D,…',
    schema: channelNumbers().optional(),
    describe: 'what is left is divided by it; default 1',
  },
} as const;

/** The options as they were given. */
export interface GivenNormalisation {
  readonly mean?: number[] | undefined;
  readonly std?: number[] | undefined;
}

/** `.5` or `.485,.456,.406` */
function channelNumbers() {
  return z
    .string()
    .transform((text) => text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part))))
    .refine((numbers) => numbers.every(Number.isFinite), 'numbers with commas between them');
}

/** One mean and deviation for each channel. Throws USAGE. */
export function normalisationOf(
  { mean = [0], std = [1] }: GivenNormalisation,
  channels: number,
): Normalisation {
  const spread = (option: string, given: readonly number[]): readonly number[] => {
    if (given.length === 1) return new Array<number>(channels).fill(given[0]!);
    if (given.length === channels) return given;
    throw usageError(`${option} has ${given.length} numbers for ${channels} channels`, {
      option,
      hint: channels === 1 ? `${option} ${given[0]!}` : 'one number, or one for each channel',
    });
  };
  if (std.some((value) => value <= 0)) {
    throw usageError(`--std ${std.join()} divides by zero or turns signs`, {
      option: '--std',
      hint: 'numbers above 0',
    });
  }
  return { mean: spread('--mean', mean), std: spread('--std', std) };
}
