/** What follows from the cells that were measured: times of batches, the fastest strategy, crossovers. */
import { batches, labels } from './cells.ts';
import type { Cell, Network } from './cells.ts';
import { median } from './measure.ts';
import type { CellRecord, Measured } from './record.ts';

/** A cell with its record. */
export interface Result {
  readonly cell: Cell;
  readonly record: CellRecord;
}

export interface MeasuredResult {
  readonly cell: Cell;
  readonly record: Measured;
}

export function isMeasured(result: Result): result is MeasuredResult {
  return result.record.status === 'measured';
}

/**
 * Seconds of one execution: the median of those that were measured. The first of several, which
 * encodes the constants that later ones find, is left out.
 */
export function executionSeconds({ measurement }: Measured): number {
  const [first, ...later] = measurement.evaluateMs;
  return (later.length === 0 ? (first ?? NaN) : median(later)) / 1000;
}

/** Images that an execution of a plan holds. */
export function imagesAtOnce({ cell, record }: MeasuredResult): number {
  return record.figures.batch ?? cell.batch;
}

/** Measured over modelled, of the execution that `executionSeconds` takes; null where none is modelled. */
export function overModel(record: Measured): number | null {
  const { figures, measurement } = record;
  const { modelledSeconds, modelledFirstSeconds } = figures;
  const modelled =
    measurement.evaluateMs.length > 1 ? modelledSeconds : (modelledFirstSeconds ?? modelledSeconds);
  return modelled === null ? null : executionSeconds(record) / modelled;
}

/** How well the compiler's model orders plans that were measured on a machine that is not the model's. */
export interface ModelError {
  readonly plans: number;
  /** Seconds here that a modelled second takes: the median of all plans. */
  readonly here: number;
  /** Shares of the modelled times so scaled that the measured ones are off by. */
  readonly median: number;
  readonly worst: number;
}

/** The error of the model over the plans that were measured on one thread; null where there are none. */
export function modelError(results: readonly Result[]): ModelError | null {
  const ratios = results
    .filter(isMeasured)
    .filter(({ cell, record }) => cell.threads === 1 && record.sameAs === null)
    .flatMap(({ record }) => overModel(record) ?? []);
  if (ratios.length === 0) return null;
  const here = median(ratios);
  const off = ratios.map((ratio) => Math.abs(ratio / here - 1));
  return { plans: ratios.length, here, median: median(off), worst: Math.max(...off) };
}

/** Seconds of a batch with a plan: executions one after the other; a last one need not be full. */
export function batchSeconds(result: MeasuredResult, images: number): number {
  return Math.ceil(images / imagesAtOnce(result)) * executionSeconds(result.record);
}

/** Images that agree with the network in the clear, of how many. */
export function agreeing({
  measurement: { agreement, images },
}: Measured): [number, number] | null {
  return agreement === null ? null : [Math.round(agreement * images), images];
}

/** The fixed strategies, in the order of the tables. */
export const strategies = [labels.image, labels.interleaved, labels.featureMajor] as const;

export interface Timed {
  readonly seconds: number;
  readonly result: MeasuredResult;
}

/** The fastest that a strategy does a batch: with any of its plans. Null where none was measured. */
export function strategySeconds(
  results: readonly Result[],
  network: Network,
  strategy: string,
  images: number,
): Timed | null {
  const timed = results
    .filter(isMeasured)
    .filter(({ cell }) => cell.network === network && cell.group === 'packing')
    .filter(({ cell }) => cell.label === strategy)
    .map((result) => ({ seconds: batchSeconds(result, images), result }));
  return timed.sort((a, b) => a.seconds - b.seconds)[0] ?? null;
}

/** The plan that the compiler chose for a batch. */
export function chosenSeconds(
  results: readonly Result[],
  network: Network,
  images: number,
): Timed | null {
  const found = results.find(
    ({ cell }) =>
      cell.network === network &&
      cell.group === 'packing' &&
      cell.label === labels.chosen &&
      cell.batch === images,
  );
  if (found === undefined || !isMeasured(found)) return null;
  return { seconds: batchSeconds(found, images), result: found };
}

/**
 * The smallest batch that a feature-major plan evaluates sooner than the others of a network do, one
 * execution after the other; null where either was not measured, or it never does.
 */
export function crossover(
  results: readonly Result[],
  network: Network,
  others: readonly string[],
): number | null {
  const at = (images: number): boolean | null => {
    const major = strategySeconds(results, network, labels.featureMajor, images);
    const best = others.flatMap(
      (strategy) => strategySeconds(results, network, strategy, images)?.seconds ?? [],
    );
    return major === null || best.length === 0 ? null : major.seconds < Math.min(...best);
  };
  const largest = batches.at(-1) ?? 1;
  for (let images = 1; images <= largest; images++) {
    const sooner = at(images);
    if (sooner === null) return null;
    if (sooner) return images;
  }
  return null;
}
