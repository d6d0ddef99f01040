/** The dense kernel of the clear interpreter: rows of weights times a tile of columns. */

/**
 * y[m][p] += Σ_k weights[m][k] · columns[k][p] for a range of rows m and positions p.
 *
 * Every element is summed in order of k, whatever the tile, so that results do not depend on it.
 * Four rows by two positions at a time: as many sums as stay in registers.
 *
 * Cost: rows × depth × positions multiplications, about 10^9 a second.
 */
export function addMatrixProduct(
  y: { readonly data: Float64Array; readonly start: number; readonly stride: number },
  weights: { readonly data: Float64Array; readonly start: number },
  columns: { readonly data: Float64Array; readonly stride: number },
  size: { readonly rows: number; readonly depth: number; readonly positions: number },
): void {
  const { rows, depth, positions } = size;
  const evenRows = rows - (rows % 4);
  const evenPositions = positions - (positions % 2);
  for (let m = 0; m < evenRows; m += 4) {
    for (let p = 0; p < evenPositions; p += 2) {
      addTile(
        y.data,
        y.start + m * y.stride + p,
        y.stride,
        weights.data,
        weights.start + m * depth,
        columns.data,
        p,
        columns.stride,
        depth,
      );
    }
  }
  for (let m = 0; m < rows; m++) {
    for (let p = m < evenRows ? evenPositions : 0; p < positions; p++) {
      const at = y.start + m * y.stride + p;
      const w = weights.start + m * depth;
      let sum = y.data[at]!;
      for (let k = 0; k < depth; k++) {
        sum += weights.data[w + k]! * columns.data[k * columns.stride + p]!;
      }
      y.data[at] = sum;
    }
  }
}

/** Four rows by two positions. A function of its own, so that it is optimised as a whole. */
function addTile(
  y: Float64Array,
  yStart: number,
  yStride: number,
  weights: Float64Array,
  wStart: number,
  columns: Float64Array,
  column: number,
  columnStride: number,
  depth: number,
): void {
  const [y1, y2, y3] = [yStart + yStride, yStart + 2 * yStride, yStart + 3 * yStride];
  const [w1, w2, w3] = [wStart + depth, wStart + 2 * depth, wStart + 3 * depth];
  let a0 = y[yStart]!;
  let b0 = y[yStart + 1]!;
  let a1 = y[y1]!;
  let b1 = y[y1 + 1]!;
  let a2 = y[y2]!;
  let b2 = y[y2 + 1]!;
  let a3 = y[y3]!;
  let b3 = y[y3 + 1]!;
  let at = column;
  for (let k = 0; k < depth; k++) {
    const a = columns[at]!;
    const b = columns[at + 1]!;
    at += columnStride;
    const v0 = weights[wStart + k]!;
    a0 += v0 * a;
    b0 += v0 * b;
    const v1 = weights[w1 + k]!;
    a1 += v1 * a;
    b1 += v1 * b;
    const v2 = weights[w2 + k]!;
    a2 += v2 * a;
    b2 += v2 * b;
    const v3 = weights[w3 + k]!;
    a3 += v3 * a;
    b3 += v3 * b;
  }
  y[yStart] = a0;
  y[yStart + 1] = b0;
  y[y1] = a1;
  y[y1 + 1] = b1;
  y[y2] = a2;
  y[y2 + 1] = b2;
  y[y3] = a3;
  y[y3 + 1] = b3;
}
