/** A network on samples: with its own activations, and with candidates in their places. */
import { invariant } from '../../errors.ts';
import { textOf } from '../../ir/attribute-values.ts';
import type { Value } from '../../ir/define-op.ts';
import { tensorOf } from '../../ir/nn/values.ts';
import { operationOf } from '../../ir/program.ts';
import type { Program, ValueId } from '../../ir/program.ts';
import { elementFunctions, isElementFunction } from '../polynomial/element-functions.ts';
import type { ElementFunctions } from '../polynomial/element-functions.ts';
import type { ElementGroups } from './element-groups.ts';
import { applyGroups, fitGroups } from './fit-groups.ts';
import type { GroupPolynomial, Reach } from './fit-groups.ts';
import { evaluateOnSamples, sampleMatrix } from './sample-matrix.ts';
import type { SampleMatrix } from './sample-matrix.ts';

/** What takes the place of one activation. */
export interface Candidate {
  readonly degree: number;
  readonly reach: Reach;
}

/** An activation of a network and the groups of its elements. */
export interface Activation {
  readonly id: ValueId;
  readonly functions: ElementFunctions;
  readonly groups: ElementGroups;
  /** Whether a linear map in front takes over shifts and scales. */
  readonly scalable: boolean;
}

/** The activations of a program, in its order; `groupsOf` says which elements share a polynomial. */
export function activationsOf(
  program: Program,
  describe: (id: ValueId, functions: ElementFunctions) => Pick<Activation, 'groups' | 'scalable'>,
): Activation[] {
  return program.operations.flatMap((operation, id) => {
    if (!isElementFunction(operation)) return [];
    const functions = elementFunctions(operation, (reference) => {
      const constant = program.constants.get(reference.slice(1));
      invariant(constant !== undefined, 'constants of a program exist');
      return constant;
    });
    return [{ id, functions, ...describe(id, functions) }];
  });
}

/** Values of samples by their place in the program; those that are read no more are gone. */
type Live = ReadonlyMap<ValueId, SampleMatrix>;

/** How each value was used last: outputs at the end. */
export function lastUses({ operations, outputs }: Program): number[] {
  const last = operations.map((_, id) => id);
  for (const [id, { operands }] of operations.entries()) {
    for (const operand of operands) last[operand] = id;
  }
  for (const { value } of outputs) last[value] = operations.length;
  return last;
}

/** Names of inputs and public values, and one matrix for each. */
export type SampleInputs = ReadonlyMap<string, SampleMatrix>;

/** The inputs of images as matrices. */
export function sampleInputs(images: readonly ReadonlyMap<string, Value>[]): SampleInputs {
  const names = [...(images[0]?.keys() ?? [])];
  return new Map(
    names.map((name) => [
      name,
      sampleMatrix(images.map((image) => tensorOf(image.get(name)).data)),
    ]),
  );
}

/** Runs from one operation to another; `special` makes values that are not computed as they stand. */
function runRange(
  program: Program,
  last: readonly number[],
  inputs: SampleInputs,
  before: Live,
  [from, to]: readonly [number, number],
  special: (id: ValueId, operands: readonly SampleMatrix[]) => SampleMatrix | null,
): Live {
  const live = new Map(before);
  for (let id = from; id < to; id++) {
    const operation = operationOf(program, id);
    const operands = operation.operands.map((operand) => {
      const value = live.get(operand);
      invariant(value !== undefined, `samples of %${operand} are alive`);
      return value;
    });
    let value: SampleMatrix | null | undefined;
    if (operation.op === 'nn.input') value = inputs.get(textOf(operation, 'name'));
    else value = special(id, operands) ?? evaluateOnSamples(program, operation, operands);
    invariant(value !== undefined, 'samples hold every input');
    live.set(id, value);
    for (const operand of operation.operands) if (last[operand] === id) live.delete(operand);
  }
  return live;
}

/** Results of a run. */
export interface ExactRun {
  readonly inputs: SampleInputs;
  /** By activation, what it had as result. */
  readonly activations: readonly SampleMatrix[];
  readonly outputs: readonly SampleMatrix[];
}

/** The network as it is. */
export function runExact(
  program: Program,
  activations: readonly Activation[],
  inputs: SampleInputs,
): ExactRun {
  const found = new Map<ValueId, SampleMatrix>();
  const wanted = new Set(activations.map(({ id }) => id));
  const last = lastUses(program);
  const evaluated = activations.map(({ id, functions: { distinct }, groups }) => ({
    id,
    distinct,
    groups,
  }));
  const live = runRange(program, last, inputs, new Map(), [0, last.length], (id, operands) => {
    if (!wanted.has(id)) return null;
    const { groups } = evaluated.find((own) => own.id === id)!;
    const [x] = operands;
    invariant(x !== undefined, 'an activation has an argument');
    const data = new Float64Array(x.data.length);
    for (let element = 0; element < x.elements; element++) {
      const { evaluate } = groups.functions[groups.of[element]!]!;
      for (let n = element * x.samples; n < (element + 1) * x.samples; n++) {
        data[n] = evaluate(x.data[n]!);
      }
    }
    const y = { ...x, data };
    found.set(id, y);
    return y;
  });
  return {
    inputs,
    activations: activations.map(({ id }) => found.get(id)!),
    outputs: outputsOf(program, live),
  };
}

function outputsOf({ outputs }: Program, live: Live): SampleMatrix[] {
  return outputs.map(({ value }) => {
    const matrix = live.get(value);
    invariant(matrix !== undefined, 'outputs stay alive');
    return matrix;
  });
}

/** A run with candidates: their polynomials, and what comes out. */
export interface CandidateRun {
  readonly polynomials: readonly (readonly GroupPolynomial[])[];
  readonly outputs: readonly SampleMatrix[];
}

/** Elements of matrices that are kept for runs that begin alike: 512 MiB. */
const maxKept = 2 ** 26;

interface Prefix {
  readonly live: Live;
  readonly polynomials: readonly (readonly GroupPolynomial[])[];
  readonly elements: number;
}

/**
 * Runs of a network with candidates in the places of its activations. Each is fitted to the samples
 * as they come out of the layers before it. Runs that begin alike share their beginnings.
 */
export function candidateRunner(
  program: Program,
  activations: readonly Activation[],
  exact: ExactRun,
): (candidates: readonly Candidate[]) => CandidateRun {
  const last = lastUses(program);
  const kept = new Map<string, Prefix>();
  let keptElements = 0;
  const keep = (key: string, prefix: Prefix): void => {
    if (prefix.elements > maxKept) return;
    kept.set(key, prefix);
    keptElements += prefix.elements;
    for (const [oldest, { elements }] of kept) {
      if (keptElements <= maxKept) break;
      kept.delete(oldest);
      keptElements -= elements;
    }
  };
  const start = runRange(
    program,
    last,
    exact.inputs,
    new Map(),
    [0, activations[0]?.id ?? last.length],
    () => null,
  );
  return (candidates) => {
    let from = 0;
    let prefix: Prefix = { live: start, polynomials: [], elements: 0 };
    const keys = candidates.map((_, k) =>
      candidates
        .slice(0, k + 1)
        .map(keyOf)
        .join(),
    );
    for (const [k, key] of keys.entries()) {
      const known = kept.get(key);
      if (known === undefined) break;
      // Used last, given up last.
      kept.delete(key);
      kept.set(key, known);
      [from, prefix] = [k + 1, known];
    }
    for (let k = from; k < activations.length; k++) {
      const activation = activations[k]!;
      const { degree, reach } = candidates[k]!;
      const { live, polynomials } = prefix;
      let own: readonly GroupPolynomial[] = [];
      const end = activations[k + 1]?.id ?? last.length;
      const next = runRange(program, last, exact.inputs, live, [activation.id, end], (id, [x]) => {
        if (id !== activation.id) return null;
        invariant(x !== undefined, 'an activation has an argument');
        own = fitGroups(activation.groups, x, exact.activations[k]!, degree, reach);
        return applyGroups(own, activation.groups, x);
      });
      const elements = [...next.values()].reduce((sum, { data }) => sum + data.length, 0);
      prefix = { live: next, polynomials: [...polynomials, own], elements };
      keep(keys[k]!, prefix);
    }
    return { polynomials: prefix.polynomials, outputs: outputsOf(program, prefix.live) };
  };
}

export function keyOf({ degree, reach }: Candidate): string {
  return `${degree}:${reach.margin}:${reach.tail}`;
}

/** The outputs of a network with polynomials already fitted. */
export function runPolynomials(
  program: Program,
  activations: readonly Activation[],
  polynomials: readonly (readonly GroupPolynomial[])[],
  inputs: SampleInputs,
): readonly SampleMatrix[] {
  const last = lastUses(program);
  const live = runRange(program, last, inputs, new Map(), [0, last.length], (id, [x]) => {
    const k = activations.findIndex((activation) => activation.id === id);
    if (k < 0 || x === undefined) return null;
    return applyGroups(polynomials[k]!, activations[k]!.groups, x);
  });
  return outputsOf(program, live);
}
