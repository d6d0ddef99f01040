/** Declaration of a pass: a pure, deterministic function from program to program. */
import type { Warning } from '../errors.ts';
import type { Program } from '../ir/program.ts';
import type { AccuracyBudget, CompileOptions } from './options.ts';
import type { WorkBudget } from './work-budget.ts';

/** What a pass may ask besides the program. */
export interface PassContext {
  readonly options: CompileOptions;
  /** Ring degree this attempt compiles for; slots are half of it. */
  readonly ringDegree: number;
  /** Bits of q_0 beyond the usual ones, for values at level 0 that need them; none where absent. */
  readonly headroomBits?: number;
  /** Special primes of the chain; one where absent. */
  readonly specialPrimes?: number;
  /** Level at which the outputs are left; 0 where absent. */
  readonly outputLevel?: number;
  /** Whether products share a rescale with the linear maps behind them; false where absent. */
  readonly shareRescales?: boolean;
  /** Calibration images per input name (flattened, one array an image); null when none were given. */
  readonly calibration: ReadonlyMap<string, readonly Float64Array<ArrayBuffer>[]> | null;
  /** What may still be done; without limit where absent. */
  readonly work?: WorkBudget | undefined;
  /**
   * What a program would be as a plan if it came out of this pass: a compilation, without the notes.
   * Null where it fits no ring. Absent where the pass does not run in a pipeline that prices plans.
   * Throws WorkExceeded where it takes more than `work`, which replaces that of the pass.
   */
  readonly pricePlan?: (program: Program, work?: WorkBudget) => PlanPrice | null;
  /** What the passes before this one recorded, by name. */
  readonly notes?: ReadonlyMap<string, readonly PassNote[]>;
  readonly warn: (warning: Warning) => void;
  /** Record a fact for the report, under the name of the pass. */
  readonly note: (fact: PassNote) => void;
}

/** A program compiled to the end, for its price alone. */
export interface PlanPrice {
  /** Modelled, of an execution on one core by the evaluator that the plan is for. */
  readonly seconds: number;
  readonly ringDegree: number;
  readonly levels: number;
}

/** A fact a pass found or decided, for report and explanation. */
export type PassNote =
  | {
      readonly kind: 'approximation';
      readonly node: string | null;
      readonly op: string;
      readonly method: string;
      readonly degree: number;
      readonly range: readonly [number, number];
      /** Root mean square and worst error on the calibration data. */
      readonly rmsError: number;
      readonly maxError: number;
      readonly sketch: ActivationSketch;
    }
  | {
      /** Difference at an output between the exact activations and the polynomials. */
      readonly kind: 'approximation-error';
      readonly output: string;
      /** Largest and root mean square difference of an element on the calibration data. */
      readonly worst: number;
      readonly rms: number;
    }
  | JointChoiceNote
  | KeyBudgetNote
  | {
      readonly kind: 'choice';
      readonly node: string | null;
      readonly chosen: string;
      /** Cheapest first; an input costs its upload and the linear map that reads it. */
      readonly candidates: readonly {
        readonly name: string;
        /** Modelled. */
        readonly seconds: number;
        readonly ciphertexts: number;
        /** Of the linear map, over all ciphertexts. */
        readonly rotations: number;
        /** Plaintext products of the linear map. */
        readonly diagonals: number;
      }[];
    }
  | {
      /** Predicted probability that an image leaves the range of a node. */
      readonly kind: 'escape';
      readonly node: string | null;
      readonly probability: number;
    }
  | { readonly kind: 'figure'; readonly name: string; readonly value: number };

/** A combination of degrees, one an activation, with its modelled cost and its loss. */
export interface DegreeCandidate {
  readonly degrees: readonly number[];
  /** Modelled: of the whole plan where it was compiled for its price, else of linear maps and polynomials. */
  readonly seconds: number;
  readonly compiled: boolean;
  readonly levels: number;
  readonly ringDegree: number | null;
  /** In the unit of the budget. */
  readonly loss: number;
}

/** What a budget of keys costs, where not every rotation has its key. */
export interface KeyBudgetNote {
  readonly kind: 'key-budget';
  readonly budgetBytes: number;
  /** With a key for every rotation. */
  readonly unlimitedKeyBytes: number;
  readonly unlimitedRotationKeys: number;
  /** Rotations of linear maps that are made of others. */
  readonly composedRotations: number;
  /** Modelled time over that with a key for every rotation; null where it is not modelled. */
  readonly slowdown: number | null;
}

/** How the degrees of all activations were chosen together. */
export interface JointChoiceNote {
  readonly kind: 'joint-choice';
  readonly budget: AccuracyBudget;
  /** Images measured on, and those of them that the polynomials were fitted to. */
  readonly images: number;
  readonly fittedImages: number;
  readonly synthetic: boolean;
  /** The activations, in the order of the degrees. */
  readonly nodes: readonly (string | null)[];
  readonly chosen: DegreeCandidate;
  /** By activation, how its fit weighs what was not seen. */
  readonly reaches: readonly { readonly margin: number; readonly tail: number }[];
  /** The cheapest that has one degree throughout and meets the budget; null where none does. */
  readonly uniform: DegreeCandidate | null;
  /** Whether every cheaper combination was measured or ruled out. */
  readonly exhaustive: boolean;
  /** Combinations measured; `candidates` lists those about as dear as the chosen one, cheapest first. */
  readonly measured: number;
  readonly candidates: readonly DegreeCandidate[];
}

/** An activation and the polynomial that replaces it, at evenly spaced places of the range. */
export interface ActivationSketch {
  /** Share of the arguments seen in each of as many intervals of one width; beyond the ends, at the ends. */
  readonly density: readonly number[];
  /** The function and its polynomial at the middle of each interval; the first, where channels have their own. */
  readonly exact: readonly number[];
  readonly polynomial: readonly number[];
}

export interface Pass {
  /** Verb-object, the file's name. */
  readonly name: string;
  readonly summary: string;
  readonly phase: 'nn' | 'packed' | 'ckks';
  /** It only takes notes: without it the program is the same. */
  readonly notesOnly?: true;
  run(program: Program, context: PassContext): Program;
}

/** Declare a pass. */
export function definePass(pass: Pass): Pass {
  return pass;
}

/** The first figure of a name that any pass recorded, or null. */
export function figureOf(
  notes: ReadonlyMap<string, readonly PassNote[]>,
  name: string,
): number | null {
  for (const list of notes.values()) {
    for (const note of list) if (note.kind === 'figure' && note.name === name) return note.value;
  }
  return null;
}
