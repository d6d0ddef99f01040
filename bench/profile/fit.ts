/** Constants of a linear model from measurements: least squares of relative errors, none negative. */
import { kernelNames, work } from '../../src/passes/cost/work.ts';
import type { Kernel, Work } from '../../src/passes/cost/work.ts';

export interface Observation {
  readonly name: string;
  readonly work: Work;
  readonly seconds: number;
  /** Of its relative error among the others. */
  readonly weight: number;
}

const rounds = 20_000;

/**
 * Fit the seconds of each kernel: min Σ weight · (predicted / measured − 1)², by coordinates.
 *
 * A kernel that no observation uses takes 0 seconds. Deterministic.
 */
export function fitKernels(observations: readonly Observation[]): Work {
  const rows = observations.map(({ work: done, seconds, weight }) => ({
    weight,
    at: (kernel: Kernel) => done[kernel] / seconds,
  }));
  const seconds: Record<Kernel, number> = { ...work() };
  const left = rows.map(() => 1);
  const used = kernelNames.filter((kernel) => rows.some((row) => row.at(kernel) > 0));
  for (let round = 0; round < rounds; round++) {
    for (const kernel of used) {
      let [product, square] = [0, 0];
      rows.forEach((row, n) => {
        const x = row.at(kernel);
        product += row.weight * x * (left[n] ?? 0);
        square += row.weight * x * x;
      });
      const next = Math.max(0, seconds[kernel] + product / square);
      const change = next - seconds[kernel];
      if (change === 0) continue;
      seconds[kernel] = next;
      rows.forEach((row, n) => (left[n] = (left[n] ?? 0) - change * row.at(kernel)));
    }
  }
  return seconds;
}
