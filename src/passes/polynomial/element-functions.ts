/** The functions of one number that nn.activation and nn.composite apply to each element. */
import { invariant } from '../../errors.ts';
import type { Interval } from '../../ir/intervals.ts';
import {
  activationFunction,
  activationFunctions,
  boundActivation,
  domainOf,
} from '../../ir/nn/activation-functions.ts';
import type { ActivationName, DomainPiece } from '../../ir/nn/activation-functions.ts';
import { activationParameters, parameterSets } from '../../ir/nn/activation-parameters.ts';
import {
  boundSteps,
  compositeSteps,
  evaluateSteps,
  formulaOf,
} from '../../ir/nn/composite-steps.ts';
import type { LeftDomain } from '../../ir/nn/composite-steps.ts';
import type { Operation } from '../../ir/program.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { textOf } from '../../ir/attribute-values.ts';

export interface ElementFunction {
  readonly evaluate: (x: number) => number;
  /** What leaves its domain where the argument is in an interval, or null. */
  readonly left: (interval: Interval) => LeftDomain | null;
  readonly parity: 'even' | 'odd' | undefined;
}

/** The function of every element, each distinct one once. */
export interface ElementFunctions {
  /** Name or formula, for the report. */
  readonly name: string;
  /** Broadcasts to the shape of the argument. */
  readonly shape: readonly number[];
  readonly distinct: readonly ElementFunction[];
  /** For each element of `shape`, the place of its function in `distinct`. */
  readonly which: Uint32Array<ArrayBuffer>;
}

/** Whether the operation is a function of each element that needs a polynomial in its place. */
export function isElementFunction({ op }: Operation): boolean {
  return op === 'nn.activation' || op === 'nn.composite';
}

/** The functions of such an operation; `constant` looks its references up. */
export function elementFunctions(
  operation: Operation,
  constant: (reference: string) => Tensor,
): ElementFunctions {
  if (operation.op === 'nn.composite') {
    const steps = compositeSteps.parse(operation.attributes.steps);
    const left = (interval: Interval): LeftDomain | null => {
      const bounds = boundSteps(steps, interval);
      return 'name' in bounds ? bounds : null;
    };
    const evaluate = (x: number): number => evaluateSteps(steps, x);
    const distinct = [{ evaluate, left, parity: undefined }];
    return { name: formulaOf(steps), shape: [], distinct, which: new Uint32Array(1) };
  }
  const name = textOf(operation, 'function') as ActivationName;
  const declared = activationFunction(name);
  const given = activationParameters.parse(operation.attributes.parameters);
  const sets = parameterSets(given, constant);
  invariant(sets !== null, 'the program was checked when it was built');
  return {
    ...sets,
    name,
    distinct: sets.distinct.map((parameters) => ({
      evaluate: (x) => declared.evaluate(x, parameters),
      left: (argument) =>
        boundActivation(declared, argument, parameters) === null
          ? { name, parameters, argument }
          : null,
      parity: declared.parity,
    })),
  };
}

/** Points of which at least one lies in every domain. */
const everyDomain = [0, 0.5, 2];

/** Where the function that was left is defined, as in "for x > 0". */
export function domainText({ name, parameters, argument }: LeftDomain): string {
  const declared = activationFunction(name);
  if (!('domain' in activationFunctions[name])) return 'for finite arguments';
  const [lo, hi] = argument;
  // The piece that an end or the middle lies in is the one that was meant.
  const [piece] = [hi, lo, (lo + hi) / 2, ...everyDomain].flatMap(
    (x) => domainOf(declared, [x, x], parameters) ?? [],
  );
  return piece === undefined ? 'elsewhere' : `on ${pieceText(piece)}`;
}

function pieceText({ lo, hi, closed }: DomainPiece): string {
  const [open, close] = closed ? ['[', ']'] : ['(', ')'];
  const text = (end: number): string =>
    Number.isFinite(end) ? String(Number(end.toPrecision(4))) : end > 0 ? '∞' : '−∞';
  return `${Number.isFinite(lo) ? open : '('}${text(lo)}, ${text(hi)}${Number.isFinite(hi) ? close : ')'}`;
}
