/** The error of a program on ciphertexts, beside the deviation that is predicted for each slot. */
import { clientPlan } from '../../src/backend/plan/client-plan.ts';
import { writePlan } from '../../src/backend/plan/write-plan.ts';
import { ErrorEngine, deviationsOf } from './error-engine.ts';
import type { NoiseEvaluator } from '../../src/backend/clear/primitive-errors.ts';
import { execute } from '../../src/backend/execute/execute.ts';
import { prepareProgram } from '../../src/backend/execute/prepare-program.ts';
import { Client } from '../../src/client/index.ts';
import type { Program } from '../../src/ir/program.ts';
import { InferenceSession } from '../../src/server/index.ts';
import { randomSource, randomValues } from '../support/random.ts';

export interface MeasuredNoise {
  /** Slots that were measured. */
  readonly slots: number;
  /** Root mean square of the error and of the predicted deviations, over all slots. */
  readonly measured: number;
  readonly predicted: number;
  /** Root mean square of each error over its own deviation, and the largest of these. */
  readonly rmsOfOwn: number;
  readonly worstOfOwn: number;
}

/**
 * Run a program under fresh keys, and measure each of its outputs, whose elements stand in all slots.
 *
 * Inputs are uniform in [−1, 1].
 */
export async function measureNoise(
  program: Program,
  evaluator: NoiseEvaluator,
  { keys, seed = 1 }: { readonly keys: number; readonly seed?: number },
): Promise<Map<string, MeasuredNoise>> {
  const plan = {
    program,
    facts: {
      producer: 'test',
      modelDigest: null,
      securityTarget: 128 as const,
      insecure: true,
      precisionBits: 0,
      peakCiphertextBytes: 0,
      rangeEscape: null,
    },
  };
  const { modulus } = program;
  if (modulus === null) throw new Error('the program has a modulus');
  const prepared = prepareProgram(program);
  const { bytes, hash } = writePlan(plan);
  const random = randomSource(seed);
  const noise = new Map(
    program.outputs.map(({ name }) => [
      name,
      { slots: 0, errors: 0, variances: 0, own: 0, worst: 0 },
    ]),
  );
  // One client: SEAL's contexts take longer to make than its keys.
  using client = Client.load(clientPlan(plan, hash));
  const { inputs: declared } = client.plan;
  const elements = modulus.ringDegree / 2;
  for (let key = 0; key < keys; key++) {
    const inputs = new Map(declared.map(({ name }) => [name, randomValues(random, elements)]));

    const engine = new ErrorEngine(modulus, evaluator);
    const sources = new Map(
      declared.map(({ name, level, scale }) => [
        name,
        () => engine.input(inputs.get(name)!, level, scale),
      ]),
    );
    const expected = await execute(prepared, engine, sources);

    const { evaluationKeys } = await client.generateKeys();
    await using session = await InferenceSession.create(bytes, {
      backend: evaluator,
      evaluationKeys: await evaluationKeys.bytes(),
    });
    const request = await client.encrypt(
      Object.fromEntries([...inputs].map(([name, data]) => [name, { data, shape: [1, elements] }])),
    );
    const results = await client.decrypt(await session.run(request));
    for (const [name, sums] of noise) {
      const [exact] = expected.get(name) ?? [];
      const data = results[name]?.data ?? [];
      if (exact === undefined) throw new Error(`the program has an output ${name}`);
      const deviations = deviationsOf(exact);
      for (let slot = 0; slot < elements; slot++) {
        const error = (data[slot] ?? NaN) - exact.slots[slot]!;
        const own = error / deviations[slot]!;
        sums.slots++;
        sums.errors += error * error;
        sums.variances += deviations[slot]! ** 2;
        sums.own += own * own;
        sums.worst = Math.max(sums.worst, Math.abs(own));
      }
    }
  }
  return new Map(
    [...noise].map(([name, { slots, errors, variances, own, worst }]) => [
      name,
      {
        slots,
        measured: Math.sqrt(errors / slots),
        predicted: Math.sqrt(variances / slots),
        rmsOfOwn: Math.sqrt(own / slots),
        worstOfOwn: worst,
      },
    ]),
  );
}
