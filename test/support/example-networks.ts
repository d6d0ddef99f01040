/** The networks of examples/mnist, with their calibration images. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { CompileRequest, ModelSource } from '../../src/compile.ts';
import { readNpyFile } from '../../src/frontend/npy/read-npy.ts';

const folder = path.join(import.meta.dirname, '../../examples/mnist');

export function mnistModel(name: string): ModelSource {
  return { bytes: readFileSync(path.join(folder, `${name}.onnx`)), name };
}

export function mnistCalibration(): NonNullable<CompileRequest['calibration']> {
  const { shape, data } = readNpyFile(path.join(folder, 'calibration.npy'));
  const size = shape.slice(1).reduce((product, extent) => product * extent, 1);
  const images = Array.from({ length: shape[0] ?? 0 }, (_, k) =>
    Float64Array.from({ length: size }, (__, n) => Number(data[k * size + n])),
  );
  return new Map([['image', images]]);
}
