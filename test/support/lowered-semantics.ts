/** Whether packed and ckks passes keep what random programs compute, whatever stands in unused slots. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { CipherloomError } from '../../src/errors.ts';
import { textOf } from '../../src/ir/attribute-values.ts';
import { interpret } from '../../src/ir/interpret.ts';
import type { Value } from '../../src/ir/define-op.ts';
import { operationOf } from '../../src/ir/program.ts';
import type { Program } from '../../src/ir/program.ts';
import type { Tensor } from '../../src/ir/tensor.ts';
import { isPublicInput } from '../../src/ir/public-values.ts';
import { verify } from '../../src/ir/verify.ts';
import { printProgram } from '../../src/ir/print.ts';
import { parseProgram } from '../../src/ir/parse.ts';
import { batchSize, pack, unpack, usedSlots } from '../../src/layout/layout.ts';
import type { Layout } from '../../src/layout/layout.ts';
import { slotMagnitude } from '../../src/ir/types.ts';
import { passes } from '../../src/passes/index.ts';
import { compileOptionsSchema } from '../../src/passes/options.ts';
import type { CompileOptions } from '../../src/passes/options.ts';
import { depthOf } from '../../src/passes/packing/depth.ts';
import { randomSource } from './random.ts';
import { randomInputs } from './random-programs.ts';

/** A ring so small that values need several ciphertexts now and then. Toy parameters: not secure. */
const ringDegree = 4096;
/** Double rounding, over rows of hundreds of terms. */
const tolerance = 1e-9;

function layoutOf(program: Program, value: number): Layout {
  const { type } = operationOf(program, value);
  if (type.kind === 'tensor') throw new Error('a lowered value has a layout');
  return type.layout;
}

/** The constants of a program and of its public part. */
export function allConstants({ constants, publicPart }: Program): Map<string, Tensor> {
  return new Map([...constants, ...(publicPart?.constants ?? [])]);
}

/** The public inputs of an image: the interpreter takes one of each for all images of a batch. */
function publicTensors({ publicPart }: Program, image: ReadonlyMap<string, Value>) {
  const names = publicPart?.operations.filter(isPublicInput).map((input) => textOf(input, 'name'));
  return new Map([...image].filter(([name]) => names?.includes(name) === true));
}

/** Answers of a lowered program for a batch of images, unused slots of inputs filled with noise. */
function lowered(program: Program, images: readonly Map<string, Value>[], random: () => number) {
  const inputs = publicTensors(program, images[0] ?? new Map<string, Value>());
  for (const operation of program.operations) {
    if (!operation.op.endsWith('.input') || operation.type.kind === 'tensor') continue;
    const name = textOf(operation, 'name');
    const tensors = images.map((image) => {
      const value = image.get(name);
      if (value?.kind !== 'tensor') throw new Error(`no input ${name}`);
      return value.tensor.data;
    });
    const { layout } = operation.type;
    // What unused slots of an input hold is zero, unless the layout says otherwise.
    const { unused } = layout;
    const fill = unused.kind === 'zero' ? undefined : () => (2 * random() - 1) * unused.bound;
    inputs.set(name, { kind: 'vectors', vectors: pack(layout, tensors, fill) });
  }
  let loudest = 0;
  const outputs = interpret(program, inputs, {
    observe: (id, { type, op }, value) => {
      if (value.kind !== 'vectors' || type.kind === 'tensor') return;
      // The state of unused slots that the layout declares is true.
      const used = usedSlots(type.layout);
      const { unused } = type.layout;
      const bound = unused.kind === 'zero' ? 0 : unused.bound;
      const most = bound + tolerance * Math.max(1, slotMagnitude(type));
      // Every slot of every value: plain loops, for they are most of this test's time.
      for (const [k, vector] of value.vectors.entries()) {
        const usedHere = used[k]!;
        for (let slot = 0; slot < vector.length; slot++) {
          const size = Math.abs(vector[slot]!);
          if (usedHere[slot] !== 1 && !(size <= most)) {
            throw new Error(
              `%${id} ${op}: unused slot ${slot} holds ${vector[slot]!}, at most ${bound} was declared`,
            );
          }
          loudest = Math.max(loudest, size);
        }
      }
    },
  });
  return { outputs, loudest };
}

function expectSame(
  before: Program,
  after: Program,
  images: readonly Map<string, Value>[],
  random: () => number,
): void {
  const { outputs, loudest } = lowered(after, images, random);
  images.forEach((image, b) => {
    const expected = interpret(before, image);
    for (const { name, value } of after.outputs) {
      const want = expected.get(name);
      const got = outputs.get(name);
      if (want?.kind !== 'tensor' || got?.kind !== 'vectors') throw new Error('kinds of values');
      const data = unpack(layoutOf(after, value), got.vectors, images.length)[b]!;
      const error = want.tensor.data.reduce(
        (worst, x, i) => Math.max(worst, Math.abs(x - data[i]!)),
        0,
      );
      expect(error / Math.max(1, loudest)).toBeLessThanOrEqual(tolerance);
    }
  });
}

/**
 * Run the packed and ckks passes one by one on random programs, checking after each.
 *
 * Returns how often each pass was reached.
 */
export function checkLowering(
  programs: fc.Arbitrary<Program>,
  given: Partial<CompileOptions>,
  {
    runs,
    seed,
    shareRescales = false,
  }: { readonly runs: number; readonly seed: number; readonly shareRescales?: boolean },
): Map<string, number> {
  const counts = new Map<string, number>();
  const nn = passes.filter((pass) => pass.phase === 'nn');
  const rest = passes.filter((pass) => pass.phase !== 'nn');
  fc.assert(
    fc.property(programs, fc.nat(), (source, inputSeed) => {
      const random = randomSource(inputSeed);
      const context = (options: Partial<CompileOptions>) => ({
        options: compileOptionsSchema.parse({ ...given, ...options }),
        ringDegree,
        shareRescales,
        calibration: null,
        warn: () => undefined,
        note: () => undefined,
      });
      let fused = source;
      try {
        for (const pass of nn) fused = pass.run(fused, context({}));
      } catch (error) {
        // Weights that cancel may leave an output of public inputs alone.
        if (error instanceof CipherloomError && error.code === 'MODEL_UNSUPPORTED') return;
        throw error;
      }
      const levels = depthOf(fused);
      fc.pre(levels <= 8 && levels >= 1);
      let program = fused;
      for (const pass of rest) {
        // Moves between layouts and matched scales may take levels of their own.
        const used = program.operations.reduce(
          (most, { type }) => Math.max(most, type.kind === 'ciphertext' ? (type.level ?? 0) : 0),
          // What shared rescales save shows in the program.
          shareRescales ? 0 : levels,
        );
        const primeBits = shareRescales
          ? [42, ...new Array<number>(used).fill(60), 60]
          : [60, ...new Array<number>(used).fill(40), 60];
        try {
          program = pass.run(program, context({ primeBits, insecure: true, precisionBits: 1 }));
        } catch (error) {
          // Random weights reach ranges that no modulus holds: refused by name, not compiled wrongly.
          if (
            error instanceof CipherloomError &&
            // A level that rescales a product alone cannot be shared.
            ['RANGE_TOO_LARGE', 'PRECISION_UNREACHABLE', 'PARAMETERS_INFEASIBLE'].includes(
              error.code,
            )
          )
            return;
          throw error;
        }
        verify(program);
        const input = program.operations.find(({ type }) => type.kind !== 'tensor');
        const batch =
          input === undefined || input.type.kind === 'tensor' ? 1 : batchSize(input.type.layout);
        const shared = publicTensors(fused, randomInputs(fused, random));
        const images = Array.from(
          { length: Math.min(batch, 3) },
          () => new Map([...randomInputs(fused, random), ...shared]),
        );
        expectSame(fused, program, images, random);
        counts.set(pass.name, (counts.get(pass.name) ?? 0) + 1);
      }
      const text = printProgram(program);
      expect(printProgram(parseProgram(text, allConstants(program)))).toBe(text);
    }),
    { numRuns: runs, seed },
  );
  return counts;
}
