import { join } from 'node:path';
import { defineCommand } from '../define-command.ts';
import { filePath } from '../option-schemas.ts';
import { checkOutputFile, writeOutputFile } from '../output-file.ts';
import { planFileName } from '../output-folder.ts';
import { insecureOption, openClient } from '../plan-folder.ts';
import { reportFileName } from '../protocol/read-report.ts';
import { gatherFacts } from '../report/gather-facts.ts';
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
    results: {
      value: 'FILE.json',
      repeat: true,
      schema: filePath().array().default([]),
      describe:
        'what run, simulate, verify or check wrote with --json; those in the folder are found',
    },
    insecure: insecureOption,
  },
  examples: [
    {
      command: 'cipherloom report plan/',
      does: 'plan/report.html: one file; shows what run --json > plan/run.json measured',
    },
    {
      command: 'cipherloom report plan/ --results simulation.json --results verification.json',
      does: 'the same, with results that were written elsewhere',
    },
    {
      command: 'cipherloom report plan/ --out lola.html --json',
      does: 'write it elsewhere; what it found as one object',
    },
  ],
  async run({ dir, output, results, insecure }, io) {
    const target = output ?? join(dir, pageName);
    const own = [planFileName, 'client.json', reportFileName].map((file) => join(dir, file));
    const reads = [...own, ...results];
    using client = openClient(dir, { insecure });
    checkOutputFile(target, { inputs: reads });
    io.progress.step('reading the plan');
    const facts = await gatherFacts(dir, client, results);
    const page = reportPage(facts);
    writeOutputFile(target, page, { inputs: reads });
    const { kind, state } = verdictOf(facts);
    const bytes = Buffer.byteLength(page);
    const { evidence } = facts;
    const { accuracy } = evidence;
    const json = {
      output: target,
      bytes,
      verdict: kind,
      accuracy: {
        original: accuracy.original?.value ?? null,
        polynomial: accuracy.polynomial?.value ?? null,
        simulated: accuracy.simulated?.value ?? null,
        encrypted: accuracy.encrypted?.value ?? null,
      },
      results: evidence.files,
      foreignResults: evidence.foreign,
      planHash: client.plan.planHash,
    };
    const shown =
      evidence.files.length === 0
        ? 'no results of run, simulate, verify or check in the folder'
        : `with ${evidence.files.join(', ')}`;
    return { json, text: `${target}, ${byteText(bytes)}: ${state}\n${shown}` };
  },
});
