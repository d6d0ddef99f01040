/** A compiled plan in memory: what `model.loom` holds. */
import linear from '../../ir/ckks/linear.ts';
import { methodSchema } from '../../ir/packed/linear.ts';
import type { Operation, Program } from '../../ir/program.ts';
import type { SecurityTarget } from '../../layout/security.ts';

/** What a plan says besides its program. */
export interface PlanFacts {
  /** Compiler and version, as in `cipherloom 0.1.0`. */
  readonly producer: string;
  /** SHA-256 of the model file, hex; null where there was none. */
  readonly modelDigest: string | null;
  /** Asked security in bits; what is reached is recomputed from the parameters. */
  readonly securityTarget: SecurityTarget;
  /** Stamped by `--insecure`: the parameters are below 128 bits. */
  readonly insecure: boolean;
  /** Predicted worst precision of the outputs in bits. */
  readonly precisionBits: number;
  /** Predicted peak of the ciphertexts of one execution, in bytes; see `measureMemory`. */
  readonly peakCiphertextBytes: number;
  /** Predicted probability that a value leaves its range in one execution; null where unknown. */
  readonly rangeEscape: number | null;
}

export interface Plan {
  /** In dialect ckks, with modulus, levels, scales and methods; in execution order. */
  readonly program: Program;
  readonly facts: PlanFacts;
}

/** Version of the file format; another one is refused by number. */
export const planFormat = 1;

/** Abilities that a plan may ask of an evaluator, by name. */
export const planFeatures = ['composed-rotations', 'public-inputs', 'special-primes'] as const;
export type PlanFeature = (typeof planFeatures)[number];

/** Whether some rotation of a linear map has no key of its own. */
function composes({ op, attributes }: Operation): boolean {
  return (
    op === linear.name &&
    methodSchema.nullable().parse(attributes['method'])?.compositions !== undefined
  );
}

/** What an evaluator must be able to do for this program. */
export function requiredFeatures(program: Program): PlanFeature[] {
  return [
    ...(program.operations.some(composes) ? ['composed-rotations' as const] : []),
    ...(program.publicPart === undefined ? [] : ['public-inputs' as const]),
    // Hybrid key switching: SEAL has one special prime.
    ...((program.modulus?.specialPrimes.length ?? 0) > 1 ? ['special-primes' as const] : []),
  ];
}
