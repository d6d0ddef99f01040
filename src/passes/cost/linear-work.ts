/** The work of a linear map by rotations and diagonals, as each evaluator does it. */
import {
  decomposition,
  division,
  encoding,
  extendedResidues,
  keyProducts,
  keySwitch,
  products,
  touches,
} from './operation-work.ts';
import type { RingSize } from './operation-work.ts';
import { sumOfWork, work } from './work.ts';
import type { Work } from './work.ts';

export type Evaluator = 'seal' | 'native';

/** What the work of a linear map depends on. */
export interface LinearCounts {
  /** Distinct rotations of inputs other than by 0. */
  readonly babies: number;
  /** Decompositions of inputs: one for each that is rotated, or for each of its rotations. */
  readonly decompositions: number;
  /** Decomposed ones that are rotated inputs themselves: their second polynomial is divided for that. */
  readonly redivided: number;
  /** Input ciphertexts that are multiplied as they are. */
  readonly plainInputs: number;
  /** Sums that are rotated. */
  readonly giants: number;
  readonly diagonals: number;
  readonly outputs: number;
  /** Outputs that some rotated sum is added to. */
  readonly turnedOutputs: number;
  /** Rotations of each output that add up its parts. */
  readonly folds: number;
}

/**
 * Work of a linear map in every run, without the encoding of its plaintexts, and of encoding them.
 *
 * SEAL takes each rotation by itself. The native evaluator decomposes an input once for all of its
 * rotations; they stay modulo Q·P, where products and sums are taken, until a sum is rotated (its
 * second polynomial alone is divided for that) and until the result is there (`native/README.md`).
 */
export function linearMapWork(
  evaluator: Evaluator,
  counts: LinearCounts,
  size: RingSize,
): { readonly run: Work; readonly encode: Work } {
  const { babies, giants, diagonals, outputs, folds } = counts;
  const { primes } = size;
  if (evaluator === 'seal') {
    const rotations = babies + giants + folds * outputs;
    return {
      run: sumOfWork([
        [rotations, keySwitch(size)],
        [diagonals, products(size, primes)],
        [diagonals + giants + folds * outputs, touches(size, 2 * primes)],
      ]),
      encode: sumOfWork([[diagonals, encoding(size, primes)]]),
    };
  }
  const extended = babies > 0;
  const residues = extended ? extendedResidues(size) : primes;
  const turned = sumOfWork([
    [1, decomposition(size)],
    [1, keyProducts(size)],
  ]);
  // Once extended, a sum stays so: what is rotated again has its second polynomial divided.
  const wide = extended || folds > 0 ? outputs : counts.turnedOutputs;
  const dividedFolds = extended || counts.turnedOutputs > 0 ? folds : Math.max(0, folds - 1);
  return {
    run: sumOfWork([
      [extended ? counts.decompositions : 0, decomposition(size)],
      [babies, keyProducts(size)],
      [extended ? counts.plainInputs : 0, touches(size, 2 * residues)],
      [diagonals, products(size, residues)],
      [giants + folds * outputs, turned],
      [counts.redivided + (extended ? giants : 0) + dividedFolds * outputs, division(size, 1)],
      [folds * outputs, touches(size, 2 * extendedResidues(size))],
      [wide, division(size, 2)],
    ]),
    encode: sumOfWork([[diagonals, encoding(size, residues)]]),
  };
}

/** Outputs of a batch layout that share their inputs: rows of a product with a matrix. */
export interface MatrixBlock {
  readonly columns: number;
  readonly rows: number;
}

/** Rows that the native evaluator sums at once; fewer than the second number take as long (`native/plan/src/batch_work.rs`). */
const [rowsAtOnce, leastRows] = [8, 4];

function rowsPaid(rows: number): number {
  const rest = rows % rowsAtOnce;
  return rows - rest + (rest === 0 ? 0 : Math.max(rest, leastRows));
}

/** Data primes by the arithmetic that products with weights take. */
export interface MatrixPrimes {
  /** Below 2^29: a multiplication each, where larger ones take parts. */
  readonly narrow: number;
  readonly wide: number;
}

/** Time of a product modulo a narrow prime, of one modulo a wide one (`native/README.md`). */
const narrowShare = 1 / 3;

/** Work of a linear map of a batch layout: its diagonals are numbers. */
export function batchMapWork(
  evaluator: Evaluator,
  blocks: readonly MatrixBlock[],
  diagonals: number,
  primes: MatrixPrimes,
  size: RingSize,
): Work {
  if (evaluator === 'seal') {
    return sumOfWork([
      [diagonals, products(size, size.primes)],
      [diagonals, touches(size, 2 * size.primes)],
    ]);
  }
  const cells = blocks.reduce((sum, { columns, rows }) => sum + columns * rowsPaid(rows), 0);
  return work({
    matrix: 2 * cells * (primes.wide + narrowShare * primes.narrow) * size.ringDegree,
  });
}
