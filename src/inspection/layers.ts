/** Where the levels of a program go: the operations along its deepest path. */
import { operationOf, usersOf } from '../ir/program.ts';
import type { Operation, Program, ValueId } from '../ir/program.ts';
import { degreeOf } from '../ir/polynomial.ts';
import { constantAttribute } from '../ir/attribute-values.ts';
import { levelsBelow, levelsOf } from '../passes/packing/depth.ts';

/** A node of the model, with what was fused into it. */
export interface Layer {
  readonly name: string;
  /** Its ONNX operator. */
  readonly operator: string;
  /** Degree of the polynomial that it is evaluated as; null for linear layers and products. */
  readonly degree: number | null;
  readonly levels: number;
  /** Levels from the inputs to its result. */
  readonly total: number;
}

/**
 * The layers that use levels, along the deepest path of a fused nn program, inputs first.
 *
 * Their levels add up to the depth of the program. `operators` names the ONNX operators by node.
 */
export function deepestPath(program: Program, operators: ReadonlyMap<string, string>): Layer[] {
  const below = levelsBelow(program);
  const users = usersOf(program);
  const need = (id: ValueId): number => below[id] ?? 0;
  const inputs = program.operations.flatMap(({ op }, id) => (op === 'nn.input' ? [id] : []));
  let at = inputs.reduce(
    (deepest, id) => (need(id) > need(deepest) ? id : deepest),
    inputs[0] ?? -1,
  );
  const layers: Layer[] = [];
  let total = 0;
  for (;;) {
    const next = users[at]?.find(
      (user) => need(user) + levelsOf(program, operationOf(program, user)) === need(at),
    );
    if (next === undefined) return layers;
    const operation = operationOf(program, next);
    const levels = levelsOf(program, operation);
    total += levels;
    if (levels > 0) layers.push(layerOf(program, operation, operators, levels, total));
    at = next;
  }
}

function layerOf(
  program: Program,
  operation: Operation,
  operators: ReadonlyMap<string, string>,
  levels: number,
  total: number,
): Layer {
  const { op, location } = operation;
  const name = location ?? op;
  return {
    name,
    operator: operators.get(name) ?? op,
    degree:
      op === 'nn.polynomial'
        ? degreeOf(constantAttribute(program, operation, 'coefficients'))
        : null,
    levels,
    total,
  };
}
