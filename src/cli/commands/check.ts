import { join } from 'node:path';
import { loadPlan } from '../../backend/plan/read-plan.ts';
import { exitStatus } from '../../errors.ts';
import { holds, missedBudgets, type Budget } from '../budgets.ts';
import { defineCommand } from '../define-command.ts';
import { byteCount, choice, number } from '../option-schemas.ts';
import { planFileName } from '../output-folder.ts';
import { insecureOption, openClient, requireSamePlan } from '../plan-folder.ts';
import { planFigures } from '../protocol/plan-figures.ts';
import { readReport } from '../protocol/read-report.ts';
import { bitText, byteText } from '../text/figures.ts';
import { textTable } from '../text/table.ts';

export default defineCommand({
  name: 'check',
  summary: 'Hold a plan against budgets of security, precision, key bytes and memory.',
  positional: { dir: { describe: 'folder that compile wrote' } },
  options: {
    minSecurity: {
      value: 'BITS',
      schema: number(0, 512).optional(),
      describe: 'least security, recomputed from the primes; default what the plan was made for',
    },
    minPrecisionBits: {
      value: 'BITS',
      schema: number(0, 64).optional(),
      describe: 'least estimated precision of the results',
    },
    maxKeyBytes: {
      value: 'BYTES',
      schema: byteCount().optional(),
      describe: 'most bytes of evaluation keys to send',
    },
    maxMemoryBytes: {
      value: 'BYTES',
      schema: byteCount().optional(),
      describe: 'most bytes of expanded keys and ciphertexts that an execution holds',
    },
    format: {
      value: 'WORD',
      schema: choice(['text', 'json']).default('text'),
      describe: 'text (default) or json, which is --json',
    },
    insecure: insecureOption,
  },
  examples: [
    {
      command: 'cipherloom check plan/ --min-precision-bits 12 --max-key-bytes 256MiB',
      does: 'exit status 5 and the figures when the plan leaves a budget',
    },
    {
      command: 'cipherloom check plan/ --min-security 128 --max-memory-bytes 2GiB --json',
      does: 'the same as one JSON object',
    },
  ],
  async run({ dir, insecure, format, ...args }) {
    using client = openClient(dir, { insecure });
    const { facts, hash, securityBits } = await loadPlan(join(dir, planFileName));
    requireSamePlan(dir, hash, client.plan.planHash);
    const figures = planFigures(client);
    const report = readReport(dir, client.plan);
    const memoryBytes = figures.residentKeyBytes + facts.peakCiphertextBytes;
    // A stamped plan is checked only where --insecure asked for it; it has no security to hold.
    const minSecurity = args.minSecurity ?? (facts.insecure ? 0 : facts.securityTarget);
    const budgets: Budget[] = [
      {
        name: 'securityBits',
        option: '--min-security',
        limit: minSecurity,
        figure: securityBits,
        bound: 'least',
      },
      ...budget(
        'precisionBits',
        '--min-precision-bits',
        args.minPrecisionBits,
        facts.precisionBits,
        'least',
      ),
      ...budget('keyBytes', '--max-key-bytes', args.maxKeyBytes, figures.keyBytes, 'most'),
      ...budget('memoryBytes', '--max-memory-bytes', args.maxMemoryBytes, memoryBytes, 'most'),
    ];
    const missed = missedBudgets(budgets);
    const ranges = report?.ranges ?? null;
    const json = {
      ok: missed.length === 0,
      insecure: facts.insecure,
      budgets: budgets.map((each) => ({ ...each, met: holds(each) })),
      missed: missed.map(({ name }) => name),
      securityBits: budgets[0]!.figure,
      precisionBits: facts.precisionBits,
      keyBytes: figures.keyBytes,
      residentKeyBytes: figures.residentKeyBytes,
      peakCiphertextBytes: facts.peakCiphertextBytes,
      memoryBytes,
      rangeEscape: facts.rangeEscape,
      ranges:
        ranges === null
          ? null
          : {
              proved: ranges.filter(({ source }) => source !== 'calibrated').length,
              calibrated: ranges.filter(({ source }) => source === 'calibrated').length,
            },
      planHash: hash,
    };
    const shown = (name: string, figure: number | null): string =>
      name.endsWith('Bytes') ? byteText(figure) : bitText(figure);
    const table = textTable([
      ['', 'is', 'budget', ''],
      ...budgets.map((each) => [
        each.name,
        shown(each.name, each.figure),
        `${each.bound === 'least' ? '≥' : '≤'} ${shown(each.name, each.limit)}`,
        holds(each) ? 'ok' : `missed (${each.option})`,
      ]),
    ]);
    const note = facts.insecure ? '\nINSECURE: the parameters are below 128 bits.' : '';
    return {
      json,
      text: format === 'json' ? JSON.stringify({ ...json, warnings: [] }) : `${table}${note}`,
      exit: missed.length === 0 ? exitStatus.ok : exitStatus.missedBudget,
    };
  },
});

function budget(
  name: string,
  option: string,
  limit: number | undefined,
  figure: number,
  bound: Budget['bound'],
): Budget[] {
  return limit === undefined ? [] : [{ name, option, limit, figure, bound }];
}
