import { formatNpy } from '../../frontend/npy/write-npy.ts';
import { formatNpz } from '../../frontend/npy/write-npz.ts';
import type { NpyArray } from '../../frontend/npy/npy-format.ts';
import type { ClientOutput, ClientPlan } from '../../layout/client-plan.ts';
import { elementCount } from '../../layout/layout.ts';
import { checkOutputFile, writeOutputFile } from '../output-file.ts';
import { usageError } from '../usage-error.ts';
import type { Results } from './compare.ts';

/** Refuse a file for results before the work that makes them. Throws USAGE, FILE_UNWRITABLE. */
export function checkResultFile(path: string, plan: ClientPlan, inputs: readonly string[]): void {
  checkOutputFile(path, { inputs });
  if (plan.outputs.length === 1 || isArchive(path)) return;
  throw usageError(
    `--output ${path} holds one array; the plan has the outputs ${plan.outputs.map(({ name }) => name).join(', ')}`,
    { option: '--output', got: path, hint: `--output ${path.replace(/\.npy$/, '')}.npz` },
  );
}

function isArchive(path: string): boolean {
  return path.toLowerCase().endsWith('.npz');
}

/** Write the results of a plan: as `.npz` where the name ends so, else its one output as `.npy`. */
export function writeResultFile(
  path: string,
  plan: ClientPlan,
  results: Results,
  inputs: readonly string[],
): void {
  const arrays = new Map(
    plan.outputs.map((output) => [
      output.name,
      resultArray(output, results.get(output.name) ?? []),
    ]),
  );
  const bytes = isArchive(path) ? formatNpz(arrays) : formatNpy([...arrays.values()][0]!);
  writeOutputFile(path, bytes, { inputs });
}

/** Shapes  [K, …] with the output's own axes where the client left them as they were, else [K, n] */
function resultArray(output: ClientOutput, rows: readonly Float64Array[]): NpyArray {
  const each = rows[0]?.length ?? 0;
  const tail = output.shape[0] === 1 ? output.shape.slice(1) : output.shape;
  const data = new Float64Array(each * rows.length);
  rows.forEach((row, image) => {
    data.set(row, image * each);
  });
  return { shape: [rows.length, ...(elementCount(tail) === each ? tail : [each])], data };
}
