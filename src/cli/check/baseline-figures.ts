import { z } from 'zod';
import { achievedSecurityBits, modulusBits } from '../../layout/security.ts';

/** The part of a report that a comparison needs; what else it says may have changed since. */
export const baselineSchema = z.object({
  format: z.literal(1),
  name: z.string(),
  planHash: z.string(),
  batch: z.int().positive(),
  parameters: z.object({
    ringDegree: z
      .int()
      .positive()
      .max(2 ** 20),
    primes: z.array(z.string().regex(/^[1-9][0-9]{0,40}$/)).max(1000),
    specialPrimes: z.array(z.string().regex(/^[1-9][0-9]{0,40}$/)).max(1000),
  }),
  precisionBits: z.number(),
  keyBytes: z.number().nonnegative(),
  peakCiphertextBytes: z.number().nonnegative(),
  modelledSeconds: z.number().nonnegative().nullable(),
});

export type ComparedReport = z.infer<typeof baselineSchema>;

/** A figure of a report that is compared with that of an earlier one. */
export interface BaselineFigure {
  readonly name: string;
  /** Whether more or less is worse. */
  readonly bound: 'least' | 'most';
  readonly unit: 'bits' | 'ms' | 'bytes';
  /** How much worse is allowed: by so many units, or by such a share of the earlier figure. */
  readonly tolerance: { readonly kind: 'absolute' | 'relative'; readonly default: number };
  /** Null where the report does not state it. */
  readonly read: (report: ComparedReport) => number | null;
}

/** Figures that the same compiler and model give again to the last digit. */
export const baselineFigures: readonly BaselineFigure[] = [
  {
    name: 'securityBits',
    bound: 'least',
    unit: 'bits',
    tolerance: { kind: 'absolute', default: 0 },
    read: ({ parameters: { ringDegree, primes, specialPrimes } }) => {
      const logQP = modulusBits([...primes, ...specialPrimes].map(BigInt));
      return achievedSecurityBits(ringDegree, logQP);
    },
  },
  {
    name: 'precisionBits',
    bound: 'least',
    unit: 'bits',
    tolerance: { kind: 'absolute', default: 0.5 },
    read: ({ precisionBits }) => precisionBits,
  },
  {
    name: 'latencyMs',
    bound: 'most',
    unit: 'ms',
    tolerance: { kind: 'relative', default: 0.05 },
    read: ({ modelledSeconds }) => (modelledSeconds === null ? null : modelledSeconds * 1000),
  },
  {
    name: 'keyBytes',
    bound: 'most',
    unit: 'bytes',
    tolerance: { kind: 'relative', default: 0.01 },
    read: ({ keyBytes }) => keyBytes,
  },
  {
    name: 'peakCiphertextBytes',
    bound: 'most',
    unit: 'bytes',
    tolerance: { kind: 'relative', default: 0.01 },
    read: ({ peakCiphertextBytes }) => peakCiphertextBytes,
  },
];
