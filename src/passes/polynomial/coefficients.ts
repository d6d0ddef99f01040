/** Coefficient tensors in their shortest form. */
import { broadcastTo } from '../../ir/tensor.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { elementCount } from '../../layout/layout.ts';

/** The smallest tensor that broadcasts to the same values: axes along which nothing changes get extent 1. */
export function shrinkBroadcast(value: Tensor): Tensor {
  let { shape, data } = value;
  for (let axis = 0; axis < shape.length; axis++) {
    const extent = shape[axis]!;
    const inner = elementCount(shape.slice(axis + 1));
    const constant = data.every((x, n) => x === data[n - (Math.floor(n / inner) % extent) * inner]);
    if (!constant) continue;
    data = data.filter((_, n) => Math.floor(n / inner) % extent === 0);
    shape = shape.with(axis, 1);
  }
  const leading = shape.findIndex((extent) => extent !== 1);
  return { shape: leading < 0 ? [] : shape.slice(leading), data };
}

/** One tensor [degree + 1, …] of coefficients that broadcast to `shape`, constant term first. */
export function stackCoefficients(terms: readonly Tensor[], shape: readonly number[]): Tensor {
  const stacked = shape.map((_, axis) =>
    terms.some((term) => (term.shape[axis - shape.length + term.shape.length] ?? 1) > 1)
      ? shape[axis]!
      : 1,
  );
  const leading = stacked.findIndex((extent) => extent !== 1);
  const common = leading < 0 ? [] : stacked.slice(leading);
  const size = elementCount(common);
  const data = new Float64Array(terms.length * size);
  terms.forEach((term, exponent) => {
    data.set(broadcastTo(trimmed(term), common).data, exponent * size);
  });
  return { shape: [terms.length, ...common], data };
}

/** Without leading axes of extent 1, which broadcasting adds again. */
function trimmed({ shape, data }: Tensor): Tensor {
  const leading = shape.findIndex((extent) => extent !== 1);
  return { shape: leading < 0 ? [] : shape.slice(leading), data };
}
