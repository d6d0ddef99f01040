/** The layers of a plan: its operations by the node of the model that they come from. */
import { opContext } from '../../ir/build.ts';
import type { OpCost } from '../../ir/define-op.ts';
import { lookupOp } from '../../ir/ops.ts';
import { operationOf } from '../../ir/program.ts';
import type { Operation, Program, ValueId } from '../../ir/program.ts';
import { log2 } from '../../ir/rational.ts';
import type { CiphertextType, Range } from '../../ir/types.ts';
import { invariant } from '../../errors.ts';
import type { Evaluator } from '../../passes/cost/linear-work.ts';
import { profiles } from '../../passes/cost/profile.ts';
import { secondsOf } from '../../passes/cost/work.ts';
import { estimateErrors, predictedPrecision } from '../../passes/noise/estimate.ts';
import { operationWork } from '../cost/program-work.ts';
import { prepareProgram } from '../execute/prepare-program.ts';

export type LayerKind = 'input' | 'linear' | 'product' | 'sum';

/** What a node of the model became. */
export interface PlanLayer {
  /** Node of the model; an operation of the plan where there is none. */
  readonly name: string;
  readonly kind: LayerKind;
  /** Layers that it reads, by their numbers. */
  readonly reads: readonly number[];
  /** Shape of its result, for one image. */
  readonly shape: readonly number[];
  readonly ciphertexts: number;
  /** Of its highest operand and of its result. */
  readonly levelBefore: number;
  readonly level: number;
  /** log2 of the scale of its result. */
  readonly scaleBits: number;
  readonly range: Range | null;
  /** Operations on ciphertexts. */
  readonly cost: OpCost;
  /** Share of the modelled time of all layers, 0 to 1. */
  readonly timeShare: number;
  /** Predicted precision of its result; null where nothing is known of its range. */
  readonly precisionBits: number | null;
}

interface Group {
  readonly name: string;
  readonly ids: ValueId[];
}

/** How many times the largest value seen a calibrated range holds. */
export interface LayerFacts {
  readonly margin: number;
  /** Whose time is shared out. */
  readonly evaluator: Evaluator;
}

/**
 * The layers in the order of execution.
 *
 * Cost: gathering the products of every linear map, three times.
 */
export function planLayers(program: Program, { margin, evaluator }: LayerFacts): PlanLayer[] {
  const groups = groupOperations(program);
  const layerOf = new Map(groups.flatMap(({ ids }, k) => ids.map((id) => [id, k] as const)));
  const errors = estimateErrors(program);
  const profile = profiles[evaluator];
  const each = operationWork(prepareProgram(program), evaluator, profile.keptBytes).map((work) =>
    secondsOf(work, profile.seconds),
  );
  const seconds = groups.map(({ ids }) => ids.reduce((sum, id) => sum + (each[id] ?? 0), 0));
  const total = seconds.reduce((sum, own) => sum + own, 0);
  return groups.map(({ name, ids }, k) => {
    const result = ids.at(-1)!;
    const type = ciphertextOf(program, result);
    const operands = ids.flatMap((id) => operationOf(program, id).operands);
    const outside = operands.filter((id) => layerOf.get(id) !== k);
    const level = type.level ?? 0;
    const bits = predictedPrecision(
      { ...program, outputs: [{ name, value: result, postprocess: [] }] },
      errors,
      margin,
    );
    return {
      name,
      kind: kindOf(ids.map((id) => operationOf(program, id))),
      reads: [...new Set(outside.map((id) => layerOf.get(id) ?? 0))].sort((a, b) => a - b),
      shape: type.layout.shape,
      ciphertexts: type.layout.ciphertexts,
      levelBefore: Math.max(level, ...outside.map((id) => ciphertextOf(program, id).level ?? 0)),
      level,
      scaleBits: type.scale === null ? 0 : log2(type.scale),
      range: type.range,
      cost: sumCosts(ids.map((id) => costOf(program, id))),
      timeShare: total > 0 ? (seconds[k] ?? 0) / total : 0,
      precisionBits: Number.isFinite(bits) ? bits : null,
    };
  });
}

/** Operations of one node together, in the order in which nodes begin. */
function groupOperations({ operations }: Program): Group[] {
  const groups = new Map<string, Group>();
  operations.forEach(({ op, location }, id) => {
    const input = op === 'ckks.input';
    // An input has a node's name at times; operations without a node stay alone.
    const key = location === null || input ? `#${id}` : `@${location}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { name: location ?? op, ids: [id] });
    else group.ids.push(id);
  });
  return [...groups.values()];
}

function kindOf(operations: readonly Operation[]): LayerKind {
  const some = (...names: readonly string[]): boolean =>
    operations.some(({ op }) => names.includes(op));
  if (some('ckks.input')) return 'input';
  if (some('ckks.linear')) return 'linear';
  if (some('ckks.add', 'ckks.sub') && !some('ckks.square', 'ckks.multiply')) return 'sum';
  return 'product';
}

function ciphertextOf(program: Program, id: ValueId): CiphertextType {
  const { type } = operationOf(program, id);
  invariant(type.kind === 'ciphertext', 'a plan holds ciphertexts');
  return type;
}

const noCost: OpCost = {
  rotations: 0,
  relinearisations: 0,
  plainMultiplications: 0,
  ciphertextMultiplications: 0,
  rescales: 0,
};

function costOf(program: Program, id: ValueId): OpCost {
  const { op, operands, attributes, location } = operationOf(program, id);
  const types = operands.map((operand) => operationOf(program, operand).type);
  const context = opContext(program.constants, program.modulus, location);
  return { ...noCost, ...lookupOp(op).cost?.(types, attributes, context) };
}

function sumCosts(costs: readonly OpCost[]): OpCost {
  const names = Object.keys(noCost) as (keyof OpCost)[];
  return Object.fromEntries(
    names.map((name) => [name, costs.reduce((sum, cost) => sum + cost[name], 0)]),
  ) as unknown as OpCost;
}
