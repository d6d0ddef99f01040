import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateTorch } from '../../../src/backend/torch/generate.ts';
import type { CipherloomError } from '../../../src/errors.ts';
import type { Program } from '../../../src/ir/program.ts';
import { errorOf } from '../../support/error-of.ts';
import { plainSteps, randomPrograms } from '../../support/random-programs.ts';
import { writeProgram } from '../../support/small-programs.ts';
import { hasPython, runPython } from './python.ts';
import { everyOperator, hostileProgram, mixedAxes, request } from './torch-programs.ts';

const programs = { every: everyOperator(), mixed: mixedAxes(), hostile: hostileProgram() };

describe('text', () => {
  // The suffix keeps goldens out of linters.
  test.each(Object.entries(programs))('%s is as committed', async (name, program) => {
    const { source } = generateTorch(program, request);
    await expect(source).toMatchFileSnapshot(`golden/${name}.py.txt`);
  });

  test('every weight that is read is there, and nothing else', () => {
    fc.assert(
      fc.property(randomPrograms({ steps: plainSteps }), (program) => {
        const { source, weights } = generateTorch(program, request);
        const read = [...source.matchAll(/\bw\["(\w+)"\]/g)].map(([, name]) => name!);
        expect([...new Set(read)].sort()).toEqual([...weights.keys()].sort());
        for (const { data } of weights.values()) expect(data.every(Number.isFinite)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test('coefficients are those of x over the larger end of the range', () => {
    const program = writeProgram(({ input, polynomial }) => [
      polynomial(input([1, 2], [-2, 4]), [1, 2, 3]),
    ]);
    const { source, weights, batched, polynomials } = generateTorch(program, request);
    expect([...weights.values()].map(({ data }) => [...data])).toEqual([[1, 8, 48]]);
    expect(source).toContain('Polynomial(w["polynomial0"], -2, 4)');
    expect({ batched, polynomials }).toEqual({ batched: true, polynomials: 1 });
  });

  test('the range of a fit goes before that of the argument', () => {
    const program = writeProgram(({ input, polynomial }) => [polynomial(input([1, 2]), [0, 1, 1])]);
    const sketch = { density: [], exact: [], polynomial: [] };
    const fit = { method: 'least-squares', degree: 2, rmsError: 0, maxError: 0, sketch };
    const { source } = generateTorch(program, {
      ...request,
      notes: [{ kind: 'approximation', node: 'polynomial0', op: 'relu', range: [-3, 3], ...fit }],
    });
    expect(source).toContain('Polynomial(w["polynomial0"], -3, 3)');
  });

  test('many images only where the first axis is theirs', () => {
    expect(generateTorch(programs.every, request).batched).toBe(true);
    expect(generateTorch(programs.mixed, request).batched).toBe(false);
  });
});

describe('Python takes it', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'cipherloom-torch-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const compiles = (program: Program): void => {
    const file = join(folder, 'network.py');
    writeFileSync(file, generateTorch(program, request).source);
    expect(runPython(['-m', 'py_compile', file])).toEqual({ status: 0, stderr: '' });
  };

  test.skipIf(!hasPython('sys')).each(Object.entries(programs))(
    '%s compiles (left out without python3)',
    (_, program) => {
      compiles(program);
    },
  );
});

describe('what PyTorch has nothing for is refused by name', () => {
  const refused = (program: Program): CipherloomError =>
    errorOf(() => generateTorch(program, request));

  test('a matrix that is too large', () => {
    const program = writeProgram(({ add, input }) => [
      add('nn.average-pool', [input([1, 72, 9, 9])], {
        kernelShape: [2, 2],
        strides: [1, 1],
        dilations: [2, 2],
        pads: [0, 0, 0, 0],
        ceilMode: false,
        countIncludePad: false,
      }),
    ]);
    const elements = 72 * 81 * 72 * 49;
    expect(refused(program)).toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      node: 'average-pool0',
      message: `average-pool0 (nn.average-pool) cannot be written as PyTorch: as a matrix it has ${elements} elements, at most 16777216 are written out`,
    });
  });

  test('an activation that is none of the polynomials', () => {
    const program = writeProgram(({ add, input }) => [
      add('nn.activation', [input([1, 2])], { function: 'relu', parameters: {} }),
    ]);
    expect(refused(program)).toMatchObject({ code: 'MODEL_UNSUPPORTED', node: 'activation0' });
  });

  test('a hardmax at the end', () => {
    const program = writeProgram(({ input, polynomial }) => [polynomial(input([1, 2]), [0, 0, 1])]);
    const outputs = program.outputs.map((output) => ({
      ...output,
      postprocess: [{ op: 'hardmax' as const, axis: 1 }],
    }));
    expect(refused({ ...program, outputs }).hint).toContain('Hardmax');
  });

  test('public inputs', () => {
    const program = writeProgram(({ add, input }) => [
      add('nn.add', [input([1, 2]), input([1, 2], [0, 1], 'known')]),
    ]);
    const operations = program.operations.map((operation) =>
      operation.attributes.name === 'known'
        ? { ...operation, attributes: { ...operation.attributes, public: true } }
        : operation,
    );
    expect(refused({ ...program, operations })).toMatchObject({ node: 'known' });
    expect(refused({ ...program, publicPart: program })).toMatchObject({ node: 'x' });
  });
});
