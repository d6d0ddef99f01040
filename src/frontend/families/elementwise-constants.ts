/** Elementwise operators that are no polynomials: computed where their inputs are constant. */
import { broadcastShapes, zipTensors } from '../../ir/tensor.ts';
import type { Tensor } from '../../ir/tensor.ts';
import type { AttributeSpecs, ConstantValue, ImportContext, Importer } from '../define-importer.ts';
import { refusalOf } from '../known-operators.ts';
import { oldBroadcast } from './old-broadcast.ts';

/** Element type of a result: that of the first input, or the truth of something. */
type Result = 'same' | 'bool';

/** Two tensors combined with broadcasting. Throws MODEL_INVALID and RESOURCE_LIMIT. */
export function zipConstants(
  a: Tensor,
  b: Tensor,
  combine: (x: number, y: number) => number,
  context: Pick<ImportContext, 'invalid' | 'elements'>,
): Tensor {
  const shape =
    broadcastShapes(a.shape, b.shape) ??
    context.invalid(
      `the shapes [${a.shape.join(',')}] and [${b.shape.join(',')}] do not broadcast`,
    );
  context.elements(shape);
  return zipTensors(a, b, combine);
}

/** An operator of one constant. */
export function unaryOfConstant(
  operator: string,
  summary: string,
  compute: (x: number) => number,
): Importer {
  return constantOperator(operator, summary, ['X'], {}, (context) => {
    const { tensor, elementType } = context.constant(0);
    return { kind: 'constant', tensor: { ...tensor, data: tensor.data.map(compute) }, elementType };
  });
}

/** An operator of two constants with broadcasting. */
export function binaryOfConstants(
  operator: string,
  summary: string,
  result: Result,
  combine: (x: number, y: number) => number,
): Importer {
  const attributes = result === 'bool' ? oldBroadcast.attributes : {};
  return constantOperator(operator, summary, ['A', 'B'], attributes, (context) => {
    const [a, b] = [context.constant(0), context.constant(1)];
    const tensor = zipConstants(a.tensor, b.tensor, combine, context);
    return { kind: 'constant', tensor, elementType: result === 'bool' ? 'bool' : a.elementType };
  });
}

/** An operator of any number of constants with broadcasting, from the first one on. */
export function variadicOfConstants(
  operator: string,
  summary: string,
  combine: (x: number, y: number) => number,
): Importer {
  const importer = constantOperator(operator, summary, ['data_0'], {}, (context) => {
    const values = context.inputs.map((_, n) => context.constant(n));
    const tensor = values
      .map((value) => value.tensor)
      .reduce((a, b) => zipConstants(a, b, combine, context));
    return { kind: 'constant', tensor, elementType: values[0]!.elementType };
  });
  return { ...importer, variadic: true };
}

function constantOperator(
  operator: string,
  summary: string,
  inputs: readonly string[],
  attributes: AttributeSpecs,
  fold: (context: ImportContext) => ConstantValue,
): Importer {
  const refusal = refusalOf(operator);
  return {
    operator,
    summary,
    inputs: inputs.map((name) => ({ name, doc: 'a constant', form: 'constant' })),
    attributes,
    lowersTo: 'a constant.',
    refusal,
    import: (context) => context.unsupported(refusal.reason, refusal.wayOut),
    fold,
  };
}
