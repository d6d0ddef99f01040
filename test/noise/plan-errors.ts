/** Errors of a compiled plan on ciphertexts, each over the deviation predicted for its own slot. */
import type { NoiseEvaluator } from '../../src/backend/clear/primitive-errors.ts';
import { execute } from '../../src/backend/execute/execute.ts';
import type { InputSource } from '../../src/backend/execute/execute.ts';
import { prepareProgram } from '../../src/backend/execute/prepare-program.ts';
import { Client } from '../../src/client/index.ts';
import type { CompiledModel } from '../../src/index.ts';
import { ciphertextOf } from '../../src/ir/ckks/values.ts';
import { operationOf } from '../../src/ir/program.ts';
import { slotMagnitude } from '../../src/ir/types.ts';
import { pack, unpack } from '../../src/layout/layout.ts';
import type { Layout } from '../../src/layout/layout.ts';
import { InferenceSession } from '../../src/server/index.ts';
import { ErrorTape } from './error-tape.ts';
import type { TapeValue } from './error-tape.ts';

/**
 * Run a plan of one input and one image an execution on images, a few under each set of keys.
 *
 * Images that leave a range of the plan are left out: beyond it values wrap modulo Q, and what comes
 * back is no error of a slot. Returns one number for each element of the outputs of the others.
 */
export async function errorsOverOwn(
  { client: clientPlan, plan, program }: CompiledModel,
  images: readonly Float64Array<ArrayBuffer>[],
  {
    evaluator,
    imagesPerKey,
  }: { readonly evaluator: NoiseEvaluator; readonly imagesPerKey: number },
): Promise<{ readonly over: readonly number[]; readonly left: number }> {
  const prepared = prepareProgram(program);
  const { modulus } = program;
  const [input] = clientPlan.inputs;
  if (modulus === null || input === undefined) throw new Error('a plan has a modulus and an input');
  const over: number[] = [];
  let left = 0;
  using client = Client.load(clientPlan);
  for (let first = 0; first < images.length; first += imagesPerKey) {
    const { evaluationKeys } = await client.generateKeys();
    await using session = await InferenceSession.create(plan, {
      backend: evaluator,
      evaluationKeys: await evaluationKeys.bytes(),
    });
    for (const image of images.slice(first, first + imagesPerKey)) {
      const tape = new ErrorTape(modulus, evaluator);
      const vectors = pack(input.layout, [image]);
      const source: InputSource<TapeValue> = (index) =>
        tape.input(vectors[index]!, input.level, input.scale);
      const seen = { outside: false };
      const expected = await execute(prepared, tape, new Map([[input.name, source]]), {
        observe: (id, _, { slots }) => {
          const bound = slotMagnitude(ciphertextOf(operationOf(program, id).type));
          seen.outside ||= slots.some((value) => Math.abs(value) > bound);
        },
      });
      if (seen.outside) {
        left++;
        continue;
      }
      const results = await client.decrypt(
        await session.run(await client.encrypt({ [input.name]: image })),
      );
      for (const { name, layout } of clientPlan.outputs) {
        const values = expected.get(name) ?? [];
        placesOf(layout).forEach((place, e) => {
          const value = values[Math.floor(place / layout.slots)]!;
          const slot = place % layout.slots;
          const error = (results[name]?.data[e] ?? NaN) - value.slots[slot]!;
          over.push(error / tape.deviationOf(value, slot));
        });
      }
    }
  }
  return { over, left };
}

/** Where the elements of one image stand: the slot, counted on over all ciphertexts. */
function placesOf(layout: Layout): Float64Array {
  const { ciphertexts, slots } = layout;
  const counted = Array.from({ length: ciphertexts }, (_, c) =>
    Float64Array.from({ length: slots }, (__, slot) => c * slots + slot),
  );
  return unpack(layout, counted, 1)[0]!;
}

/** Inputs unlike any image: constant, impulse, alternating, the ends of the range. */
export function adversarialImages(
  elements: number,
  [low, high]: readonly [number, number],
): Float64Array<ArrayBuffer>[] {
  const make = (value: (element: number) => number): Float64Array<ArrayBuffer> =>
    Float64Array.from({ length: elements }, (_, e) => value(e));
  const middle = (low + high) / 2;
  return [
    make(() => middle),
    make(() => low),
    make(() => high),
    make((e) => (e === 0 ? high : low)),
    make((e) => (e === Math.floor(elements / 2) ? high : low)),
    make((e) => (e % 2 === 0 ? low : high)),
    make((e) => (e % 2 === 0 ? high : low)),
    make((e) => low + ((high - low) * e) / (elements - 1)),
  ];
}
