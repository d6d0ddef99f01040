import { zipTensors } from '../../ir/tensor.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { addConstant } from '../families/arithmetic.ts';
import { defineImporter } from '../define-importer.ts';
import type { ConstantValue, DataValue, ImportContext, NodeValue } from '../define-importer.ts';
import { zipConstants } from '../families/elementwise-constants.ts';
import { refusalOf } from '../known-operators.ts';
import { masked } from '../families/masks.ts';

export default defineImporter({
  operator: 'Where',
  summary: 'Elements of X where a constant condition holds, of Y elsewhere.',
  inputs: [
    { name: 'condition', doc: 'a constant', form: 'constant' },
    { name: 'X', doc: 'a tensor that broadcasts with the others', form: 'either' },
    { name: 'Y', doc: 'a tensor that broadcasts with the others', form: 'either' },
  ],
  attributes: {},
  lowersTo: '`nn.scale` by zeros and ones, `nn.add` of the branches; a constant of constants.',
  notes: ['A condition that depends on the encrypted input is refused.'],
  refusal: refusalOf('Where'),
  import(context) {
    const { condition, opposite } = masksOf(context);
    return plus(
      branch(context.inputs[1], condition, context),
      branch(context.inputs[2], opposite, context),
      context,
    );
  },
  fold(context) {
    const { condition, opposite } = masksOf(context);
    const [x, y] = [context.constant(1), context.constant(2)];
    const product = (value: ConstantValue, mask: Tensor): Tensor =>
      zipConstants(value.tensor, mask, (a, b) => (b === 0 ? 0 : a), context);
    const sum = zipConstants(product(x, condition), product(y, opposite), (a, b) => a + b, context);
    return { kind: 'constant', tensor: sum, elementType: x.elementType };
  },
});

function masksOf(context: ImportContext): {
  readonly condition: Tensor;
  readonly opposite: Tensor;
} {
  const { shape, data } = context.constant(0).tensor;
  return {
    condition: { shape, data: data.map((value) => (value === 0 ? 0 : 1)) },
    opposite: { shape, data: data.map((value) => (value === 0 ? 1 : 0)) },
  };
}

/** The elements where the mask is 1; infinities that it hides count for nothing. */
function chosen(value: Tensor, mask: Tensor, context: ImportContext): Tensor {
  return zipConstants(value, mask, (element, keep) => (keep === 0 ? 0 : element), context);
}

function branch(value: NodeValue | undefined, mask: Tensor, context: ImportContext): NodeValue {
  if (value?.kind === 'data') return masked(value, mask, context);
  const constant = value?.tensor ?? context.invalid('a branch is missing');
  return {
    kind: 'constant',
    tensor: chosen(constant, mask, context),
    elementType: 'float32',
  };
}

function plus(a: NodeValue, b: NodeValue, context: ImportContext): NodeValue {
  if (a.kind === 'data' && b.kind === 'data') return context.add('nn.add', [a, b]);
  if (a.kind === 'constant' && b.kind === 'constant') {
    return { ...a, tensor: zipTensors(a.tensor, b.tensor, (x, y) => x + y) };
  }
  const [data, constant] = (a.kind === 'data' ? [a, b] : [b, a]) as [DataValue, ConstantValue];
  return addConstant(data, constant.tensor, context);
}
