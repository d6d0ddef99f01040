/** Fold batch normalisations into the convolution or dense layer in front of them. */
import { rewriteProgram } from '../ir/build.ts';
import type { ProgramBuilder } from '../ir/build.ts';
import { usersOf } from '../ir/program.ts';
import type { Operation, Program, ValueId } from '../ir/program.ts';
import type { Tensor } from '../ir/tensor.ts';
import { shapeOf } from '../ir/types.ts';
import { constantAttribute, numberOf, textOf } from '../ir/attribute-values.ts';
import { definePass } from './define-pass.ts';

/** y = factor · x + offset, per channel. */
interface Normalisation {
  readonly factor: Float64Array<ArrayBuffer>;
  readonly offset: Float64Array<ArrayBuffer>;
}

export default definePass({
  name: 'fold-batch-norm',
  summary: 'Fold batch normalisations into the convolution or dense layer in front of them.',
  phase: 'nn',
  run(program) {
    const users = usersOf(program);
    const outputs = new Set(program.outputs.map(({ value }) => value));
    return rewriteProgram(program, (operation, _, { builder, mapped, keep }) => {
      const [x] = operation.operands;
      if (operation.op !== 'nn.batch-norm' || x === undefined) return keep();
      if (users[x]?.length !== 1 || outputs.has(x)) return keep();
      const layer = builder.operation(mapped(x));
      // Others stay: they are affine, and fuse-linear composes them exactly.
      return foldInto(layer, operation, normalisationOf(program, operation), builder) ?? keep();
    });
  },
});

function normalisationOf(program: Program, operation: Operation): Normalisation {
  const parameter = (name: string): Float64Array<ArrayBuffer> =>
    constantAttribute(program, operation, name).data;
  const [scale, bias, mean, variance] = ['scale', 'bias', 'mean', 'variance'].map(parameter);
  const epsilon = numberOf(operation, 'epsilon');
  const factor = scale!.map((value, c) => value / Math.sqrt(variance![c]! + epsilon));
  return { factor, offset: bias!.map((value, c) => value - mean![c]! * factor[c]!) };
}

/** The layer with new weights, or null where the channels are not those of its weights. */
function foldInto(
  layer: Operation,
  normalisation: Operation,
  { factor, offset }: Normalisation,
  builder: ProgramBuilder,
): ValueId | null {
  const isConv = layer.op === 'nn.conv';
  const isDense = layer.op === 'nn.dense' && shapeOf(layer.type).length === 2;
  if (!isConv && !isDense) return null;
  const weights = builder.constantValue(textOf(layer, 'weights'));
  const bias =
    layer.attributes.bias === null ? null : builder.constantValue(textOf(layer, 'bias')).data;
  const perMap = weights.data.length / factor.length;
  // Convolutions have one block of weights a map, dense layers one column.
  const mapOf = (w: number): number => (isConv ? Math.floor(w / perMap) : w % factor.length);
  const folded: Tensor = {
    shape: weights.shape,
    data: weights.data.map((weight, w) => Math.fround(weight * factor[mapOf(w)]!)),
  };
  const foldedBias: Tensor = {
    shape: [factor.length],
    data: offset.map((value, c) => (bias?.[c] ?? 0) * factor[c]! + value),
  };
  if (!folded.data.every(Number.isFinite) || !foldedBias.data.every(Number.isFinite)) return null;
  const hint = layer.location ?? 'folded';
  const attributes = {
    ...layer.attributes,
    weights: builder.constant(folded, `${hint}.weights`),
    bias: builder.constant(foldedBias, `${hint}.bias`),
  };
  const { range } = normalisation.type;
  return builder.add(layer.op, layer.operands, attributes, { location: layer.location, range });
}
