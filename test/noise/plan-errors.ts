/** Errors of a compiled plan on ciphertexts, each over the deviation predicted for its own slot. */
import { ErrorEngine, deviationsOf } from '../../src/backend/clear/error-engine.ts';
import type { ErrorValue } from '../../src/backend/clear/error-engine.ts';
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
import { InferenceSession } from '../../src/server/index.ts';

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
      const engine = new ErrorEngine(modulus, evaluator);
      const vectors = pack(input.layout, [image]);
      const source: InputSource<ErrorValue> = (index) =>
        engine.input(vectors[index]!, input.level, input.scale);
      const seen = { outside: false };
      const expected = await execute(prepared, engine, new Map([[input.name, source]]), {
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
        const slots = unpack(
          layout,
          values.map((value) => value.slots),
          1,
        )[0]!;
        const deviations = unpack(layout, values.map(deviationsOf), 1)[0]!;
        slots.forEach((value, e) => {
          over.push(((results[name]?.data[e] ?? NaN) - value) / deviations[e]!);
        });
      }
    }
  }
  return { over, left };
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
