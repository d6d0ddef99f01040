/**
 * The model of time: measure its constants, or its predictions.
 *
 *   npm run bench -- --profile-out FILE          measure both profiles on this machine: 8 minutes
 *   npm run bench -- --profile-out FILE --evaluators native
 *   npm run bench -- --predictions               predicted against measured times of the examples
 *   npm run bench -- --predictions lola --plans native --evaluators native
 *
 * The committed profile is src/passes/cost/profiles.json.
 */
import { writeFileSync } from 'node:fs';
import type { Evaluator } from '../src/passes/cost/linear-work.ts';
import { profiles } from '../src/passes/cost/profile.ts';
import { kernelNames } from '../src/passes/cost/work.ts';
import type { Work } from '../src/passes/cost/work.ts';
import { loadAddon } from '../src/backend/native/load-addon.ts';
import { measureProfile } from './profile/measure-profile.ts';
import {
  predictedNetworks,
  predictedPlans,
  predictionErrors,
  predictNetworks,
} from './profile/predict-networks.ts';

const all: readonly Evaluator[] = ['seal', 'native'];

function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}

function chosen<T extends string>(name: string, text: string | undefined, of: readonly T[]): T[] {
  const names = text?.split(',') ?? of;
  const unknown = names.find((each) => !(of as readonly string[]).includes(each));
  if (unknown !== undefined) throw new Error(`${name} ${unknown}: there are ${of.join(', ')}`);
  return of.filter((each) => names.includes(each));
}

/** Three digits: a fit knows no more. */
function rounded(seconds: Work): Record<string, number> {
  return Object.fromEntries(
    kernelNames.map((kernel) => [kernel, Number(seconds[kernel].toPrecision(3))]),
  );
}

/** Measure the profiles of the chosen evaluators, and write them with the committed ones of others. */
export async function writeProfile(file: string, evaluators: string | undefined): Promise<void> {
  const { addon, reason } = loadAddon();
  if (addon === null) throw new Error(`SEAL is measured beside the native evaluator: ${reason}`);
  const written: Record<string, Record<string, number>> = {};
  const measured = chosen('--evaluators', evaluators, all);
  for (const evaluator of all) {
    const { seconds } = measured.includes(evaluator)
      ? await measureProfile(evaluator, progress)
      : profiles[evaluator];
    written[evaluator] = rounded(seconds);
  }
  writeFileSync(file, `${JSON.stringify(written, null, 2)}\n`);
  progress(file);
}

/** Print predicted against measured times. */
export async function printPredictions(
  networks: readonly string[],
  plans: string | undefined,
  evaluators: string | undefined,
): Promise<void> {
  const lines = await predictNetworks(
    {
      networks: networks.length === 0 ? predictedNetworks : networks,
      plans: chosen('--plans', plans, predictedPlans),
      evaluators: chosen('--evaluators', evaluators, all),
    },
    (line) => process.stdout.write(`${line}\n`),
  );
  const { median, worst } = predictionErrors(lines);
  const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
  process.stdout.write(
    `median error ${percent(median)}, aim 25 %; worst ${percent(worst)}, aim 40 %\n`,
  );
}
