/** y += factor · x over a run: the inner loop of convolutions, pools and dense layers. */
export function axpy(
  y: Float64Array,
  yStart: number,
  factor: number,
  x: Float64Array,
  xStart: number,
  xStride: number,
  count: number,
): void {
  const end = yStart + count;
  let from = xStart;
  for (let to = yStart; to < end; to++) {
    y[to]! += factor * x[from]!;
    from += xStride;
  }
}
