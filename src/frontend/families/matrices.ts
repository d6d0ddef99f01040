/** Constant matrices. */
import type { Tensor } from '../../ir/tensor.ts';

export function transposed({ shape, data }: Tensor): Tensor {
  const [rows = 1, columns = 1] = shape;
  const result = new Float64Array(data.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      result[column * rows + row] = data[row * columns + column]!;
    }
  }
  return { shape: [columns, rows], data: result };
}

export function scaled(value: Tensor, factor: number): Tensor {
  return factor === 1
    ? value
    : { shape: value.shape, data: value.data.map((entry) => entry * factor) };
}

/** The product of two matrices; null where their sizes do not fit. */
export function multiplied(a: Tensor, b: Tensor): Tensor | null {
  const [rows = 1, inner = 1] = a.shape;
  const [height = 1, columns = 1] = b.shape;
  if (inner !== height) return null;
  const result = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < inner; k++) {
      const factor = a.data[row * inner + k]!;
      for (let column = 0; column < columns; column++) {
        result[row * columns + column]! += factor * b.data[k * columns + column]!;
      }
    }
  }
  return { shape: [rows, columns], data: result };
}
