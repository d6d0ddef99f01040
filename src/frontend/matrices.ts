/** Constant matrices. */
import type { Tensor } from '../ir/tensor.ts';

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
