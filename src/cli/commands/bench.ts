import { defineCommand } from '../define-command.ts';
import { readInputTensors } from '../input-tensors.ts';
import { filePath, integer } from '../option-schemas.ts';
import { insecureOption, openClient } from '../plan-folder.ts';
import { compareResults } from '../protocol/compare.ts';
import { planFigures } from '../protocol/plan-figures.ts';
import { checkInputs, planInputs } from '../protocol/plan-inputs.ts';
import { readReport } from '../protocol/read-report.ts';
import { runProtocol } from '../protocol/run-protocol.ts';
import { summarise, type Summary } from '../protocol/summarise.ts';
import { syntheticImages } from '../protocol/synthetic-images.ts';
import { backendOption, threadsOption } from '../shared-options.ts';
import {
  bitText,
  byteText,
  evaluatorText,
  numberText,
  shareText,
  timeText,
} from '../text/figures.ts';
import { factLines, textTable } from '../text/table.ts';

export default defineCommand({
  name: 'bench',
  summary: 'Measure a plan: times, throughput, memory, and where the time goes.',
  positional: { dir: { describe: 'folder that compile wrote' } },
  options: {
    runs: {
      value: 'N',
      schema: integer(1, 10_000).default(3),
      describe: 'executions to measure; default 3',
    },
    input: {
      value: '[NAME=]X.npy|X.npz',
      repeat: true,
      schema: filePath().array().default([]),
      describe: 'images to run on; default noise, since times do not depend on values',
    },
    backend: backendOption,
    threads: threadsOption,
    insecure: insecureOption,
  },
  examples: [
    {
      command: 'cipherloom bench plan/',
      does: 'three executions, on all cores with the native evaluator',
    },
    {
      command: 'cipherloom bench plan/ --runs 20 --json',
      does: 'least, median, mean and most of 20 executions, for a script',
    },
  ],
  async run({ dir, runs, input, backend, threads, insecure }, io) {
    using client = openClient(dir, { insecure });
    const { plan } = client;
    const inputs =
      input.length === 0
        ? syntheticImages(plan, runs * plan.batch)
        : readInputTensors(input, planInputs(plan), { limit: runs * plan.batch });
    checkInputs(plan, inputs);
    const protocol = await runProtocol({
      folder: dir,
      client,
      insecure,
      backend,
      threads,
      inputs,
      progress: io.progress,
    });
    const { timingsMs, profile } = protocol;
    const { precisionBits } = compareResults(plan.outputs, protocol.results, protocol.clear);
    const report = readReport(dir, plan);
    const figures = planFigures(client);
    const evaluate = summarise(timingsMs.evaluate)!;
    const { backend: used } = protocol;
    const modelled = used === 'clear' ? null : (report?.evaluatorSeconds?.[used] ?? null);
    const modelledMs = modelled === null ? null : modelled.run * 1000;
    const { ringDegree, logQP, securityBits, levels, primes, specialPrimes } = figures.parameters;
    const json = {
      backend: protocol.backend,
      backendReason: protocol.backendReason,
      threads: protocol.threads,
      batch: plan.batch,
      images: inputs.images,
      executions: timingsMs.evaluate.length,
      timingsMs: {
        keygen: timingsMs.keygen,
        encrypt: summarise(timingsMs.encrypt),
        evaluate,
        decrypt: summarise(timingsMs.decrypt),
      },
      imagesPerSecond: (inputs.images * 1000) / sum(timingsMs.evaluate),
      modelledMs,
      // The model is of one thread.
      measuredOverModelled:
        modelledMs === null || (used === 'native' && protocol.threads !== 1)
          ? null
          : evaluate.median / modelledMs,
      precisionBits: { predicted: plan.precisionBits, ...precisionBits },
      profile,
      keyBytes: figures.keyBytes,
      residentKeyBytes: figures.residentKeyBytes,
      inputCiphertextBytes: figures.inputCiphertextBytes,
      outputCiphertextBytes: figures.outputCiphertextBytes,
      predictedCiphertextBytes: report?.peakCiphertextBytes ?? null,
      peakMemoryBytes: protocol.peakMemoryBytes,
      parameters: { ringDegree, logQP, securityBits, levels, primes, specialPrimes },
      planHash: plan.planHash,
    };
    const times = textTable(
      [
        ['', 'least', 'median', 'mean', 'most'],
        ...(
          [
            ['encrypt', json.timingsMs.encrypt],
            ['evaluate', evaluate],
            ['decrypt', json.timingsMs.decrypt],
          ] as const
        ).map(([name, summary]) => [name, ...summaryCells(summary)]),
      ],
      ['left', 'right', 'right', 'right', 'right'],
    );
    const where = textTable(
      profile.map(({ node, ms, share }) => [
        `  ${node ?? '(inputs and outputs)'}`,
        timeText(ms / json.executions),
        shareText(share),
      ]),
      ['left', 'right', 'right'],
    );
    const facts = factLines([
      ['evaluator', evaluatorText(json)],
      ['executions', `${json.executions} of up to ${plan.batch} images`],
      ['make keys', timeText(timingsMs.keygen)],
      ['throughput', `${numberText(json.imagesPerSecond)} images/s`],
      [
        'modelled',
        `${timeText(modelledMs)}${json.measuredOverModelled === null ? '' : `; measured ${numberText(json.measuredOverModelled)} times that`}`,
      ],
      [
        'precision',
        `${bitText(plan.precisionBits)} predicted, ${bitText(precisionBits.worst)} measured`,
      ],
      ['keys', `${byteText(json.keyBytes)} sent, ${byteText(json.residentKeyBytes)} in memory`],
      [
        'ciphertexts',
        `${byteText(json.inputCiphertextBytes)} in, ${byteText(json.outputCiphertextBytes)} out`,
      ],
      ['peak memory', byteText(json.peakMemoryBytes)],
    ]);
    const text = [times, '', facts, ...(where === '' ? [] : ['', 'evaluation by node', where])];
    return { json, text: text.join('\n') };
  },
});

function summaryCells(summary: Summary | null): string[] {
  if (summary === null) return ['–', '–', '–', '–'];
  return [summary.min, summary.median, summary.mean, summary.max].map(timeText);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
