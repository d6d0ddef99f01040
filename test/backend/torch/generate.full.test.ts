/** Modules run by PyTorch, where CIPHERLOOM_PYTHON or python3 has it, and onnx: left out elsewhere. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateTorch } from '../../../src/backend/torch/generate.ts';
import { postprocess } from '../../../src/client/postprocess.ts';
import { importOnnx } from '../../../src/frontend/import-onnx.ts';
import type { NpyArray } from '../../../src/frontend/npy/npy-format.ts';
import { openNpz } from '../../../src/frontend/npy/read-npz.ts';
import { formatNpz } from '../../../src/frontend/npy/write-npz.ts';
import { interpret } from '../../../src/ir/interpret.ts';
import { tensorOf } from '../../../src/ir/nn/values.ts';
import type { Value } from '../../../src/ir/define-op.ts';
import type { Program } from '../../../src/ir/program.ts';
import type { Tensor } from '../../../src/ir/tensor.ts';
import {
  plainSteps,
  randomInputs,
  randomProgram,
  runClear,
} from '../../support/random-programs.ts';
import { randomSource } from '../../support/random.ts';
import { hasPython, runPython } from './python.ts';
import { everyOperator, mixedAxes, request } from './torch-programs.ts';

const images = 3;
/** Of float32 sums, relative to the largest value on the way. */
const tolerance = 1e-4;

const programs = new Map<string, Program>([
  ['every', everyOperator()],
  ['mixed', mixedAxes()],
  ...Array.from(
    { length: 60 },
    (_, seed) => [`random${seed}`, randomProgram(seed, 8, { steps: plainSteps })] as const,
  ),
]);

const float32 = (tensors: Iterable<readonly [string, Tensor]>): Uint8Array =>
  formatNpz(
    new Map(
      [...tensors].map(([name, { shape, data }]): [string, NpyArray] => [
        name,
        { shape, data: Float32Array.from(data) },
      ]),
    ),
  );

/** The outputs of an image, after the steps of the client. */
function answers(program: Program, image: ReadonlyMap<string, Value>): Map<string, Float64Array> {
  const values = interpret(program, image);
  return new Map(
    program.outputs.map(({ name, postprocess: steps }) => [
      name,
      steps.reduce(postprocess, tensorOf(values.get(name))).data,
    ]),
  );
}

// PyTorch writes ONNX with the package of that name.
const hasTorch = hasPython('torch', 'numpy', 'onnx');

describe.skipIf(!hasTorch)('in PyTorch (left out where it is not there)', () => {
  let folder: string;
  const inputs = new Map<string, readonly ReadonlyMap<string, Value>[]>();
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'cipherloom-torch-'));
    for (const [name, program] of programs) {
      const { source, weights } = generateTorch(program, request);
      writeFileSync(join(folder, `${name}.py`), source);
      writeFileSync(join(folder, `${name}.npz`), float32(weights));
      const random = randomSource(7);
      const own = Array.from({ length: images }, () => randomInputs(program, random));
      inputs.set(name, own);
      const stacked = [...own[0]!.keys()].map((input): [string, Tensor] => {
        const parts = own.map((values) => tensorOf(values.get(input)));
        const data = Float64Array.from(parts.flatMap((part) => [...part.data]));
        return [input, { shape: [images, ...parts[0]!.shape], data }];
      });
      writeFileSync(join(folder, `${name}.inputs.npz`), float32(stacked));
    }
    const runner = fileURLToPath(new URL('run_modules.py', import.meta.url));
    expect(runPython([runner, folder])).toEqual({ status: 0, stderr: '' });
  }, 600_000);
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  test.each([...programs])('%s computes what the interpreter does', (name, program) => {
    const file = join(folder, `${name}.outputs.npz`);
    const archive = openNpz(readFileSync(file), file);
    const outputs = archive.names.map((output) => archive.read(output));
    inputs.get(name)!.forEach((image, n) => {
      const { largest } = runClear(program, image);
      const wanted = [...interpret(program, image).values()].map((value) => tensorOf(value));
      wanted.forEach(({ data }, k) => {
        const got = outputs[k]!.data;
        data.forEach((x, i) => {
          const error = Math.abs(Number(got[n * data.length + i]) - x);
          expect(error, `output ${k}[${i}] of image ${n}`).toBeLessThan(tolerance * largest);
        });
      });
    });
  });

  test.each([...programs])('%s comes back as ONNX', (name, program) => {
    const bytes = readFileSync(join(folder, `${name}.onnx`));
    const { program: back } = importOnnx(bytes, { name });
    for (const image of inputs.get(name)!) {
      const { largest } = runClear(program, image);
      const got = interpret(back, image);
      for (const [output, data] of answers(program, image)) {
        const own = tensorOf(got.get(output)).data;
        data.forEach((x, i) => {
          expect(Math.abs(own[i]! - x)).toBeLessThan(tolerance * largest);
        });
      }
    }
  });
});
