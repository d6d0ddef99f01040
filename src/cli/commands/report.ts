import { join } from 'node:path';
import { loadPlan } from '../../backend/plan/read-plan.ts';
import { planLayers } from '../../backend/report/plan-layers.ts';
import { calibratedMargin, syntheticMargin } from '../../passes/estimate-noise.ts';
import { CipherloomError } from '../../errors.ts';
import { defineCommand } from '../define-command.ts';
import { namingFilesLater } from '../naming-files.ts';
import { checkOutputFile, writeOutputFile } from '../output-file.ts';
import { planFileName } from '../output-folder.ts';
import { insecureOption, openClient, requireSamePlan } from '../plan-folder.ts';
import { planFigures } from '../protocol/plan-figures.ts';
import { reportFileName } from '../protocol/read-report.ts';
import { readEvidence } from '../report/read-evidence.ts';
import { readFullReport } from '../report/read-full-report.ts';
import { reportPage } from '../report/report-page.ts';
import { verdictOf } from '../report/verdict.ts';
import { outputOption } from '../shared-options.ts';
import { byteText } from '../text/figures.ts';

/** The page of a plan folder; `compile` replaces it with the plan. */
const pageName = 'report.html';

export default defineCommand({
  name: 'report',
  summary: 'Write an HTML page about a plan: verdict, network, cost, noise, activations.',
  positional: { dir: { describe: 'folder that compile wrote' } },
  options: {
    output: {
      ...outputOption,
      value: 'FILE.html',
      schema: outputOption.schema.optional(),
      describe: `default ${pageName} in the folder`,
    },
    insecure: insecureOption,
  },
  examples: [
    {
      command: 'cipherloom report plan/',
      does: 'plan/report.html: one file, readable without scripts and without a network; shows what run, verify and check --json left in the folder, as in plan/run.json',
    },
    {
      command: 'cipherloom report plan/ --out lola.html --json',
      does: 'write it elsewhere; what it found as one object',
    },
  ],
  async run({ dir, output, insecure }, io) {
    const target = output ?? join(dir, pageName);
    const reads = [planFileName, 'client.json', reportFileName].map((file) => join(dir, file));
    using client = openClient(dir, { insecure });
    checkOutputFile(target, { inputs: reads });
    io.progress.step('reading the plan');
    const path = join(dir, planFileName);
    const plan = await namingFilesLater({ PLAN_INVALID: path, PARAMETERS_INSECURE: path }, () =>
      loadPlan(path),
    );
    requireSamePlan(dir, plan.hash, client.plan.planHash);
    const report = readFullReport(dir, client.plan);
    if (report === null) throw noReport(dir);
    const evidence = readEvidence(dir, plan.hash);
    const synthetic = report.warnings.some(({ id }) => id === 'CALIBRATION_SYNTHETIC');
    io.progress.step('predicting cost and noise');
    const facts = {
      plan,
      client: client.plan,
      figures: planFigures(client),
      report,
      layers: planLayers(plan.program, {
        margin: synthetic ? syntheticMargin : calibratedMargin,
        target: report.target,
      }),
      evidence,
    };
    const page = reportPage(facts);
    writeOutputFile(target, page, { inputs: reads });
    const { kind, state } = verdictOf(facts);
    const bytes = Buffer.byteLength(page);
    const { accuracy } = evidence;
    const json = {
      output: target,
      bytes,
      verdict: kind,
      accuracy: {
        original: accuracy.original?.value ?? null,
        polynomial: accuracy.polynomial?.value ?? null,
        encrypted: accuracy.encrypted?.value ?? null,
      },
      results: evidence.files,
      foreignResults: evidence.foreign,
      planHash: plan.hash,
    };
    const results =
      evidence.files.length === 0
        ? 'no results of run, verify or check in the folder'
        : `with ${evidence.files.join(', ')}`;
    return { json, text: `${target}, ${byteText(bytes)}: ${state}\n${results}` };
  },
});

function noReport(folder: string): CipherloomError {
  const path = join(folder, reportFileName);
  return new CipherloomError('FILE_UNREADABLE', `${folder} has no ${reportFileName}`, {
    phase: 'cli',
    node: path,
    hint: `cipherloom compile MODEL -o ${folder}`,
  });
}
