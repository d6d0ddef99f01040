/**
 * Measure the seconds of every kernel on this machine, from the times of the probes.
 *
 * What a fit says of a kernel by itself is worth little; what it says of whole programs is checked
 * against networks that it has not seen (`npm run bench`).
 */
import { secondsOf } from '../../src/passes/cost/work.ts';
import type { Work } from '../../src/passes/cost/work.ts';
import type { Evaluator } from '../../src/passes/cost/linear-work.ts';
import { fitKernels } from './fit.ts';
import type { Observation } from './fit.ts';
import { measurePrimitives } from './primitives.ts';
import { probeInputs, probes, referenceProbe } from './probes.ts';
import type { Probe } from './probes.ts';
import { median, preparePlan, timeBeside } from './time-plans.ts';

export interface MeasuredProfile {
  readonly seconds: Work;
  readonly observations: readonly Observation[];
}

/** What one evaluator takes for a probe is measured for so long. */
const leastSeconds = { seal: 0.5, native: 0.6 };

/** Weight of a first execution: it is made once, and its memory is new. */
const firstWeight = 0.1;

const planOf = (probe: Probe) =>
  preparePlan(probe.program, { options: probe.options }, ({ client }) =>
    probeInputs(client.inputs),
  );

/** Measure the profile of one evaluator. */
export async function measureProfile(
  evaluator: Evaluator,
  progress: (line: string) => void,
): Promise<MeasuredProfile> {
  const observed: (Observation & { readonly reference: number })[] = [];
  const { open } = await planOf(referenceProbe);
  await using reference = await open(evaluator);
  for (const probe of probes) {
    if (evaluator === 'seal' && (probe.options.target === 'native' || probe.slow === true))
      continue;
    try {
      await using plan = await (await planOf(probe)).open(evaluator);
      const {
        seconds,
        ratio,
        reference: beside,
      } = await timeBeside(plan, reference, leastSeconds[evaluator]);
      const { run, first } = plan.work;
      observed.push({ name: probe.name, work: run, seconds: ratio, weight: 1, reference: beside });
      const more = plan.first / beside - ratio;
      const name = `${probe.name}: first`;
      if (more > 0) {
        observed.push({ name, work: first, seconds: more, weight: firstWeight, reference: beside });
      }
      progress(
        `${evaluator} ${probe.name}: ${(seconds * 1000).toFixed(1)} ms, ${ratio.toFixed(3)}`,
      );
    } catch (error) {
      progress(`${evaluator} ${probe.name}: ${String(error)}`);
    }
  }
  // Ratios become seconds by what the reference took where the machine was least loaded.
  const unit = Math.min(...observed.map((each) => each.reference));
  const observations = [
    ...observed.map(({ name, work, seconds, weight }) => ({
      name,
      work,
      seconds: seconds * unit,
      weight,
    })),
    ...(await measurePrimitives(evaluator)),
  ];
  const seconds = fitKernels(observations);
  const errors = observations.map(({ work, seconds: measured, name }) => {
    const ratio = secondsOf(work, seconds) / measured;
    progress(`${evaluator} ${name}: ${(measured * 1000).toFixed(2)} ms, model ${ratio.toFixed(2)}`);
    return Math.abs(Math.log(ratio));
  });
  progress(`${evaluator}: median error ${(Math.expm1(median(errors)) * 100).toFixed(0)} %`);
  return { seconds, observations };
}
