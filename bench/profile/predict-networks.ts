/**
 * Predicted against measured time of the example networks, on each evaluator.
 *
 * Machines differ and are shared, so both times are taken in multiples of a reference that is measured
 * in turn with each plan: what is compared is the model, not this machine with the one it is of.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readNpy } from '../../src/index.ts';
import { profiles } from '../../src/passes/cost/profile.ts';
import type { Evaluator } from '../../src/passes/cost/linear-work.ts';
import { secondsOf } from '../../src/passes/cost/work.ts';
import type { CompileOptions } from '../../src/passes/options.ts';
import { probeInputs, referenceProbe } from './probes.ts';
import { median, preparePlan, timeBeside } from './time-plans.ts';
import type { ReadyPlan } from './time-plans.ts';

export interface Prediction {
  readonly network: string;
  /** Options of the compilation, in words. */
  readonly plan: string;
  readonly evaluator: Evaluator;
  /** Seconds of one execution; the predicted ones for this machine, by its reference. */
  readonly predicted: number;
  readonly measured: number;
  /** The first execution of a session: keys and constants are made. */
  readonly predictedFirst: number;
  readonly measuredFirst: number;
  /** Measured over predicted. */
  readonly ratio: number;
}

const plans: readonly {
  readonly name: string;
  readonly options: Partial<CompileOptions>;
  readonly evaluators: readonly Evaluator[];
  readonly networks: readonly string[];
}[] = [
  {
    name: 'portable',
    options: {},
    evaluators: ['native', 'seal'],
    networks: ['lola', 'cryptonets', 'relu', 'lenet'],
  },
  {
    name: 'native',
    options: { target: 'native' },
    evaluators: ['native'],
    networks: ['lola', 'cryptonets', 'relu', 'lenet'],
  },
  {
    name: 'throughput',
    options: { objective: 'throughput' },
    evaluators: ['native', 'seal'],
    networks: ['lola', 'cryptonets'],
  },
];

export const predictedNetworks: readonly string[] = ['lola', 'cryptonets', 'relu', 'lenet'];
export const predictedPlans: readonly string[] = plans.map(({ name }) => name);

function example(name: string): Uint8Array<ArrayBuffer> {
  const url = new URL(`../../examples/mnist/${name}`, import.meta.url);
  return new Uint8Array(readFileSync(fileURLToPath(url)));
}

const pixels = 784;

function images(file: string): Float64Array<ArrayBuffer>[] {
  const { data } = readNpy(example(file));
  return Array.from({ length: data.length / pixels }, (_, k) =>
    Float64Array.from(data.slice(k * pixels, (k + 1) * pixels)),
  );
}

/** Measure the chosen networks, plans and evaluators. */
export async function predictNetworks(
  chosen: {
    readonly networks: readonly string[];
    readonly plans: readonly string[];
    readonly evaluators: readonly Evaluator[];
  },
  progress: (line: string) => void,
): Promise<Prediction[]> {
  const calibration = new Map([['image', images('calibration.npy')]]);
  const [image] = images('images.npy');
  if (image === undefined) throw new Error('there is an image');
  const made: Prediction[] = [];
  const referencePlan = await preparePlan(
    referenceProbe.program,
    { options: referenceProbe.options },
    ({ client }) => probeInputs(client.inputs),
  );
  await using stack = new AsyncDisposableStack();
  const references = new Map<Evaluator, ReadyPlan>();
  for (const evaluator of chosen.evaluators) {
    references.set(evaluator, stack.use(await referencePlan.open(evaluator)));
  }
  for (const { name, options, evaluators, networks } of plans) {
    if (!chosen.plans.includes(name)) continue;
    for (const network of networks.filter((each) => chosen.networks.includes(each))) {
      const source = { bytes: example(`${network}.onnx`), name: network };
      const { open } = await preparePlan(source, { calibration, options }, () => ({ image }));
      for (const evaluator of evaluators) {
        const reference = references.get(evaluator);
        if (reference === undefined) continue;
        await using plan = await open(evaluator);
        const timing = await timeBeside(plan, reference, evaluator === 'seal' ? 0.5 : 1);
        const { seconds } = profiles[evaluator];
        // This machine now, by the machine of the profile.
        const slower = timing.reference / secondsOf(reference.work.run, seconds);
        const predicted = secondsOf(plan.work.run, seconds);
        const ratio = (timing.ratio * secondsOf(reference.work.run, seconds)) / predicted;
        const first = predicted + secondsOf(plan.work.first, seconds);
        const prediction = {
          network,
          plan: name,
          evaluator,
          predicted: predicted * slower,
          measured: timing.seconds,
          predictedFirst: first * slower,
          measuredFirst: plan.first,
          ratio,
        };
        made.push(prediction);
        progress(predictionLine(prediction));
      }
    }
  }
  return made;
}

function predictionLine(prediction: Prediction): string {
  const { network, plan, evaluator, predicted, measured, ratio } = prediction;
  const { predictedFirst, measuredFirst } = prediction;
  const name = `${network} ${plan}`.padEnd(22);
  const time = (seconds: number): string => seconds.toFixed(3).padStart(8);
  const first = `first ${time(predictedFirst)} ${time(measuredFirst)}`;
  return `${name} ${evaluator.padEnd(6)} predicted ${time(predicted)} s, measured ${time(measured)} s: ${ratio.toFixed(2)}; ${first}`;
}

/** How far off the predictions are: |measured / predicted − 1|. */
export function predictionErrors(predictions: readonly Prediction[]): {
  readonly median: number;
  readonly worst: number;
} {
  const errors = predictions.map(({ ratio }) => Math.abs(ratio - 1));
  return { median: median(errors), worst: Math.max(...errors) };
}
