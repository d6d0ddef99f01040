import type { ClientOutput } from '../../layout/client-plan.ts';
import { leavesIndices } from '../../layout/postprocess.ts';

/** Results by output name: one flat row-major array an image. */
export type Results = ReadonlyMap<string, readonly Float64Array[]>;

export interface PrecisionBits {
  readonly worst: number | null;
  readonly mean: number | null;
}

export interface WorstElement {
  readonly image: number;
  readonly output: string;
  /** Row-major, within the image. */
  readonly index: number;
  readonly got: number;
  readonly expected: number;
}

export interface Comparison {
  /** Per image: −log2(max|y − ref| / max|ref|); null where they are equal or there is nothing to compare. */
  readonly bits: readonly (number | null)[];
  readonly precisionBits: PrecisionBits;
  /** The element that is furthest off, relative to the largest of its image. */
  readonly worstElement: WorstElement | null;
  /** Per image, whether the top-1 of every output is the same; null without such outputs. */
  readonly agrees: readonly boolean[] | null;
  /** Share of images that agree. */
  readonly agreement: number | null;
}

/** Compare results image by image. Outputs that are class indices count for the agreement alone. */
export function compareResults(
  outputs: readonly ClientOutput[],
  results: Results,
  reference: Results,
): Comparison {
  const images = results.get(outputs[0]?.name ?? '')?.length ?? 0;
  const values = outputs.filter((output) => !isClassIndex(output));
  const bits: (number | null)[] = [];
  let worst: (WorstElement & { readonly error: number }) | null = null;
  for (let image = 0; image < images; image++) {
    let largestError = 0;
    for (const { name } of values) {
      const got = rowOf(results, name, image);
      const expected = rowOf(reference, name, image);
      const scale = largestMagnitude(expected);
      for (let index = 0; index < expected.length; index++) {
        const difference = Math.abs(got[index]! - expected[index]!);
        const error = scale > 0 ? difference / scale : difference;
        largestError = Math.max(largestError, error);
        if (error > (worst?.error ?? 0)) {
          worst = {
            image,
            output: name,
            index,
            got: got[index]!,
            expected: expected[index]!,
            error,
          };
        }
      }
    }
    bits.push(largestError > 0 ? -Math.log2(largestError) : null);
  }
  const known = bits.filter((each) => each !== null);
  const agrees = agreementOf(outputs, results, reference, images);
  return {
    bits,
    precisionBits: {
      worst: known.length === 0 ? null : Math.min(...known),
      mean: known.length === 0 ? null : mean(known),
    },
    worstElement: worst === null ? null : withoutError(worst),
    agrees,
    agreement: agrees === null ? null : shareOf(agrees),
  };
}

/** Top-1 of each image in the first output that has one; null where none has. */
export function topClasses(
  outputs: readonly ClientOutput[],
  results: Results,
): readonly number[] | null {
  const output = classOutput(outputs);
  if (output === undefined) return null;
  return (results.get(output.name) ?? []).map((row) => topClass(output, row));
}

/** The first output that has a top-1: what labels are about. */
export function classOutput(outputs: readonly ClientOutput[]): ClientOutput | undefined {
  return outputs.find(hasTopClass);
}

/** Share of images whose top-1 is the label. */
export function accuracyOf(classes: readonly number[], labels: readonly number[]): number | null {
  return shareOf(classes.map((each, image) => each === labels[image]));
}

function agreementOf(
  outputs: readonly ClientOutput[],
  results: Results,
  reference: Results,
  images: number,
): boolean[] | null {
  const classified = outputs.filter(hasTopClass);
  if (classified.length === 0 || images === 0) return null;
  return Array.from({ length: images }, (_, image) =>
    classified.every(
      (output) =>
        topClass(output, rowOf(results, output.name, image)) ===
        topClass(output, rowOf(reference, output.name, image)),
    ),
  );
}

/** Whether the values that the client leaves are indices. */
function isClassIndex({ postprocess }: ClientOutput): boolean {
  return postprocess.some(leavesIndices);
}

/** One number an image has no top-1: comparing it could never disagree. */
function hasTopClass(output: ClientOutput): boolean {
  return isClassIndex(output) || output.shape.some((extent) => extent > 1);
}

function topClass(output: ClientOutput, row: Float64Array): number {
  if (isClassIndex(output)) return row[0]!;
  let best = 0;
  for (let k = 1; k < row.length; k++) if (row[k]! > row[best]!) best = k;
  return best;
}

function rowOf(results: Results, name: string, image: number): Float64Array {
  return results.get(name)?.[image] ?? new Float64Array();
}

function largestMagnitude(row: Float64Array): number {
  let largest = 0;
  for (const value of row) largest = Math.max(largest, Math.abs(value));
  return largest;
}

function withoutError({ image, output, index, got, expected }: WorstElement): WorstElement {
  return { image, output, index, got, expected };
}

function shareOf(each: readonly boolean[]): number | null {
  return each.length === 0 ? null : each.filter(Boolean).length / each.length;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
