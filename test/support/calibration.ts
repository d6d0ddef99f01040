/** Calibration data for random and hand-written programs. */
import type { Value } from '../../src/ir/define-op.ts';
import type { Program } from '../../src/ir/program.ts';
import type { PassContext } from '../../src/passes/define-pass.ts';
import { randomInputs } from './random-programs.ts';
import { randomSource } from './random.ts';

export type Calibration = NonNullable<PassContext['calibration']>;

/** Random images for every input of a program, and the same as interpreter inputs. */
export function calibrationOf(
  program: Program,
  count: number,
): { calibration: Calibration; inputs: Map<string, Value>[] } {
  const random = randomSource(9);
  const inputs = Array.from({ length: count }, () => randomInputs(program, random));
  const names = [...(inputs[0]?.keys() ?? [])];
  const data = (name: string): Float64Array<ArrayBuffer>[] =>
    inputs.map((image) => {
      const value = image.get(name)!;
      return value.kind === 'tensor' ? value.tensor.data : new Float64Array();
    });
  return { calibration: new Map(names.map((name) => [name, data(name)])), inputs };
}
