/** What a client needs to know of a plan: the content of `client.json`. */
import type { Layout } from './layout.ts';
import type { PostprocessStep } from './postprocess.ts';

export type { PostprocessStep } from './postprocess.ts';

export interface CryptoParameters {
  readonly ringDegree: number;
  /** Data primes q_0 … q_L, decimal. Level l uses q_0 … q_l. */
  readonly primes: readonly string[];
  /** Special primes, decimal: one for the portable target, several for hybrid key switching. */
  readonly specialPrimes: readonly string[];
  /** Asked security in bits; the loader recomputes what is reached. */
  readonly securityTarget: 128 | 192 | 256;
  /** Stamped by `--insecure`: the parameters are below 128 bits. */
  readonly insecure: boolean;
}

export interface ClientTensor {
  readonly name: string;
  /** Shape of one image, with the leading batch axis of extent 1 where the model has one. */
  readonly shape: readonly number[];
  readonly layout: Layout;
  /** Level of the ciphertexts: they hold residues modulo q_0 … q_level. */
  readonly level: number;
  /** Scale as the double every evaluator stamps on the ciphertext. */
  readonly scale: number;
}

/** What a caller has to know of an input. */
export interface InputForm {
  readonly name: string;
  /** Shape of one image. */
  readonly shape: readonly number[];
  /** Declared range of the values; others are refused. */
  readonly range: readonly [number, number];
}

export interface ClientInput extends ClientTensor, InputForm {}

export interface ClientOutput extends ClientTensor {
  /** Largest magnitude the plan expects of a decrypted value. */
  readonly bound: number;
  readonly postprocess: readonly PostprocessStep[];
  /** Names of the classes, if the model states them. */
  readonly labels?: readonly string[];
}

/** A rotation key: rotation to the left by `step` slots, used with at most `primes` data primes. */
export interface RotationKeyRequest {
  readonly step: number;
  readonly primes: number;
}

export interface ClientPlan {
  readonly format: 1;
  readonly producer: string;
  readonly name: string;
  /** SHA-256 of `model.loom`, hex. */
  readonly planHash: string;
  readonly parameters: CryptoParameters;
  /** Images one execution holds. */
  readonly batch: number;
  readonly inputs: readonly ClientInput[];
  /** What the server knows in the clear, for its callers; clients neither send nor see it. */
  readonly publicInputs?: readonly InputForm[];
  readonly outputs: readonly ClientOutput[];
  readonly keys: {
    /** Data primes at the highest level of use; null when nothing is relinearised. */
    readonly relinearisation: { readonly primes: number } | null;
    readonly rotations: readonly RotationKeyRequest[];
  };
  /** Predicted worst precision of the outputs in bits. */
  readonly precisionBits: number;
}
