/** Linear operations that PyTorch has no function for, written out as matrices. */
import { opContext } from '../../ir/build.ts';
import type { LinearMap } from '../../ir/linear-map.ts';
import { forEachRun } from '../../ir/map-runs.ts';
import { lookupOp } from '../../ir/ops.ts';
import { operationOf } from '../../ir/program.ts';
import type { Operation, Program } from '../../ir/program.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { shapeOf } from '../../ir/types.ts';
import { elementCount } from '../../layout/layout.ts';
import { notInTorch } from './refuse.ts';

/** Elements of the matrices of one operation: 64 MiB of the module's weights. */
const maxElements = 2 ** 24;

export interface DenseMatrices {
  /** One an operand: [elements of the operand, elements of the result]. */
  readonly matrices: readonly Tensor[];
  /** [elements of the result], or null. */
  readonly bias: Tensor | null;
}

/**
 * The matrices of an operation that has an affine form.
 *
 * Throws MODEL_UNSUPPORTED  naming the node, where it has none or its matrices are too large
 */
export function denseMatrices(program: Program, operation: Operation): DenseMatrices {
  const { op, operands, attributes, location } = operation;
  const types = operands.map((operand) => operationOf(program, operand).type);
  const definition = lookupOp(op);
  if (definition.affine === undefined) {
    throw notInTorch(
      operation,
      'PyTorch has no function for it',
      'train the original network, or export it without this node',
    );
  }
  const outputs = elementCount(shapeOf(operation.type));
  const inputs = types.reduce((sum, type) => sum + elementCount(shapeOf(type)), 0);
  const elements = inputs * outputs;
  if (elements > maxElements) {
    throw notInTorch(
      operation,
      `as a matrix it has ${elements} elements, at most ${maxElements} are written out`,
      'export the network with a convolution, a pool, a slice or a reshape in its place',
    );
  }
  const { maps, bias } = definition.affine(
    types,
    attributes,
    opContext(program.constants, program.modulus, location),
  );
  return {
    matrices: maps.map(dense),
    bias: bias === null ? null : { shape: [outputs], data: bias },
  };
}

function dense(map: LinearMap): Tensor {
  const [inputs, outputs] = [elementCount(map.inShape), elementCount(map.outShape)];
  const data = new Float64Array(inputs * outputs);
  forEachRun(map.segments, 'longest', (out, input, weight, run) => {
    for (let n = 0; n < run.count; n++) {
      const at = (input + n * run.input) * outputs + out + n * run.out;
      data[at]! += map.weights[weight + n * run.weight]!;
    }
  });
  return { shape: [inputs, outputs], data };
}
