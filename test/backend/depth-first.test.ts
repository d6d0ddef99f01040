import { beforeAll, expect, test } from 'vitest';
import { batchBlocks } from '../../src/backend/native/batch-blocks.ts';
import { depthFirst } from '../../src/backend/native/depth-first.ts';
import type { Piece } from '../../src/backend/native/depth-first.ts';
import { workingMemory } from '../../src/backend/native/working-memory.ts';
import { prepareProgram } from '../../src/backend/execute/prepare-program.ts';
import type { PreparedProgram } from '../../src/backend/execute/prepare-program.ts';
import { compile } from '../../src/index.ts';
import { defineProgram } from '../../src/frontend/dsl/index.ts';
import { ciphertextOf } from '../../src/ir/ckks/values.ts';
import { operationOf } from '../../src/ir/program.ts';

/** Two convolutions whose windows overlap, and a dense layer. */
function network(size: number) {
  const kernel = Array.from({ length: 2 }, (_, map) => [
    Array.from({ length: 3 }, (_row, y) =>
      Array.from({ length: 3 }, (_column, x) => (x + 2 * y + map) / 20),
    ),
  ]);
  return defineProgram('overlapping', ({ input }) => {
    const image = input('image', [1, size, size] as readonly number[], { range: [0, 1] });
    const first = image.conv2d([kernel[0]!], { padding: 1, stride: 2 }).square();
    const second = first.conv2d(kernel, { padding: 1, stride: 2 }).square().flatten();
    return { sum: second.dense(Array.from({ length: size ** 2 / 8 }, (_, n) => [(n + 1) / 40])) };
  });
}

/** Ready to run. */
async function prepared(size: number, packing: 'feature-major' | 'image') {
  const { program } = await compile(network(size), {
    options: packing === 'image' ? { packing } : { packing, batch: 64 },
  });
  return prepareProgram(program);
}

let program: PreparedProgram;
let pieces: readonly Piece[];
beforeAll(async () => {
  program = await prepared(16, 'feature-major');
  pieces = depthFirst(program) ?? [];
});

test('a plan that rotates is run step by step', async () => {
  expect(depthFirst(await prepared(8, 'image'))).toBeNull();
});

test('each ciphertext is made once, before it is read, and freed after its last reader', () => {
  const alive = new Map<string, boolean>();
  for (const { step, block, outputs, lastUses } of pieces) {
    const { operands } = operationOf(program.program, step.head);
    const work = program.linear.get(step.head);
    const reads = block
      ? batchBlocks(work!)
          .filter((each) => each.outputs.includes(outputs[0]!))
          .flatMap(({ groups }) => groups)
          .map((g) => `${operands[work!.groups.operand[g]!]!}.${work!.groups.inCiphertext[g]!}`)
      : operands.flatMap((operand) => outputs.map((index) => `${operand}.${index}`));
    for (const place of reads) expect(alive.get(place), place).toBe(true);
    for (const index of outputs) {
      expect(alive.has(`${step.result}.${index}`)).toBe(false);
      alive.set(`${step.result}.${index}`, true);
    }
    for (const [value, index] of lastUses) {
      expect(reads).toContain(`${value}.${index}`);
      expect(alive.get(`${value}.${index}`)).toBe(true);
      alive.set(`${value}.${index}`, false);
    }
  }
  const left = [...alive].flatMap(([place, is]) => (is ? [place] : []));
  expect(left).toEqual(program.program.outputs.map(({ value }) => `${value}.0`));
  for (const step of program.steps) {
    const { ciphertexts } = ciphertextOf(operationOf(program.program, step.result).type).layout;
    const made = [...alive.keys()].filter((place) => place.startsWith(`${step.result}.`));
    expect(made).toHaveLength(ciphertexts);
  }
});

test('the image is never held as a whole', () => {
  const { ringDegree } = program.program.modulus!;
  const input = program.steps.find(
    ({ head }) => program.program.operations[head]?.op === 'ckks.input',
  )!;
  const { layout } = ciphertextOf(operationOf(program.program, input.result).type);
  const primes = program.forms[input.result]!.level + 1;
  const image = 2 * layout.ciphertexts * primes * ringDegree * 8;
  expect(workingMemory(program)).toBeLessThan(0.6 * image);
});
