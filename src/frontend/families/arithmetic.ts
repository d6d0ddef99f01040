/** Elementwise arithmetic between data and constants. */
import type { Tensor } from '../../ir/tensor.ts';
import type { DataValue, ImportContext } from '../define-importer.ts';

/** x + constant, or x itself where the constant is 0 and does not change its shape. */
export function addConstant(x: DataValue, constant: Tensor, context: ImportContext): DataValue {
  if (isNeutral(x, constant, 0)) return x;
  return context.add('nn.add-constant', [x], {
    value: context.reference(constant, `${context.name}.value`),
  });
}

/** The sum of all inputs of a node, with broadcasting. */
export function sumOf(context: ImportContext): DataValue {
  const [first, ...others] = context.inputs.filter((input) => input?.kind === 'data') as [
    DataValue,
    ...DataValue[],
  ];
  let sum = others.reduce((total, part) => context.add('nn.add', [total, part]), first);
  for (const input of context.inputs) {
    if (input?.kind === 'constant') sum = addConstant(sum, input.tensor, context);
  }
  return sum;
}

/** x · constant, or x itself where the constant is 1 and does not change its shape. */
export function multiplyByConstant(
  x: DataValue,
  constant: Tensor,
  context: ImportContext,
): DataValue {
  if (isNeutral(x, constant, 1)) return x;
  return context.add('nn.scale', [x], {
    factor: context.reference(constant, `${context.name}.factor`),
  });
}

/** x^n of each element. */
export function power(x: DataValue, exponent: number, context: ImportContext): DataValue {
  const data = new Float64Array(exponent + 1);
  data[exponent] = 1;
  const coefficients = context.reference(
    { shape: [exponent + 1], data },
    `${context.name}.coefficients`,
  );
  return context.add('nn.polynomial', [x], { coefficients });
}

function isNeutral(x: DataValue, constant: Tensor, neutral: number): boolean {
  return (
    constant.shape.length <= x.shape.length &&
    constant.shape.every(
      (extent, k) => extent === 1 || extent === x.shape[k + x.shape.length - constant.shape.length],
    ) &&
    constant.data.every((value) => value === neutral)
  );
}
