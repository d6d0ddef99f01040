/** What cipherloom reads from the metadata of a model: input ranges and class labels. */
import { z } from 'zod';
import { CipherloomError } from '../../errors.ts';
import { printable, quoted } from '../printable.ts';

function invalid(key: string, value: string, wanted: string): never {
  throw new CipherloomError(
    'MODEL_INVALID',
    `metadata ${quoted(key)} is ${quoted(value)}, not ${wanted}`,
    {
      phase: 'frontend',
      node: printable(key),
      hint: `onnx.helper.set_model_props(model, {"${printable(key)}": …})`,
    },
  );
}

/** The range that `cipherloom.range.<input>` states as "lo,hi", or null. */
export function rangeFromMetadata(
  metadata: ReadonlyMap<string, string>,
  input: string,
): readonly [number, number] | null {
  const key = `cipherloom.range.${input}`;
  const text = metadata.get(key);
  if (text === undefined) return null;
  const [lo = NaN, hi = NaN, ...more] = text
    .split(',')
    .map((part) => (part.trim() === '' ? NaN : Number(part)));
  if (more.length > 0 || !Number.isFinite(lo) || !Number.isFinite(hi) || lo > hi) {
    invalid(key, text, 'two numbers "lo,hi"');
  }
  return [lo, hi];
}

const labelList = z.array(z.string());

/** The class labels that `cipherloom.labels` states, comma-separated or as a JSON list, or null. */
export function labelsFromMetadata(metadata: ReadonlyMap<string, string>): string[] | null {
  const key = 'cipherloom.labels';
  const text = metadata.get(key);
  if (text === undefined) return null;
  if (!text.startsWith('[')) return text.split(',').map((label) => printable(label.trim()));
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    list = null;
  }
  const parsed = labelList.safeParse(list);
  if (!parsed.success) invalid(key, text, 'a list of strings');
  return parsed.data.map(printable);
}
