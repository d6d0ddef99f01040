import { defineCommand } from '../define-command.ts';
import { readInputTensors } from '../input-tensors.ts';
import { programOption } from '../model-file.ts';
import { filePath } from '../option-schemas.ts';
import { insecureOption, openClient } from '../plan-folder.ts';
import { accuracyOf, compareResults, mean, topClasses } from '../protocol/compare.ts';
import { planFigures } from '../protocol/plan-figures.ts';
import { checkInputs, planInputs } from '../protocol/plan-inputs.ts';
import { readLabels } from '../protocol/read-labels.ts';
import { readReport } from '../protocol/read-report.ts';
import { openReference } from '../protocol/reference-model.ts';
import { checkResultFile, writeResultFile } from '../protocol/result-file.ts';
import { runProtocol } from '../protocol/run-protocol.ts';
import {
  backendOption,
  evaluatorMemoryOption,
  inputOption,
  labelsOption,
  limitOption,
  outputOption,
  threadsOption,
} from '../shared-options.ts';
import { answerTable } from '../text/answers.ts';
import {
  bitText,
  byteText,
  evaluatorText,
  numberText,
  shareText,
  timeText,
} from '../text/figures.ts';
import { factLines } from '../text/table.ts';

export default defineCommand({
  name: 'run',
  summary: 'Run a plan on inputs, keys and encryption included, in one process.',
  positional: { dir: { describe: 'folder that compile wrote' } },
  options: {
    input: inputOption,
    labels: labelsOption,
    model: {
      value: 'MODEL',
      schema: filePath().optional(),
      describe: 'the original model, .onnx or .ts: adds the agreement with it',
    },
    program: programOption,
    backend: backendOption,
    limit: limitOption,
    threads: threadsOption,
    maxMemoryBytes: evaluatorMemoryOption,
    output: {
      ...outputOption,
      value: 'Y.npy|Y.npz',
      schema: outputOption.schema.optional(),
      describe: 'write the results, float64 [K, …]; .npz for several outputs',
    },
    insecure: insecureOption,
  },
  examples: [
    {
      command: 'cipherloom run plan/ --input images.npy --labels labels.npy --limit 5',
      does: 'encrypt, evaluate and decrypt five images; answers, precision, times',
    },
    {
      command: 'cipherloom run plan/ --input images.npy --model lola.onnx --json',
      does: 'also run the original model, and say on how many images both agree',
    },
    {
      command: 'cipherloom run plan/ --input images.npy --backend clear --output logits.npy',
      does: 'the same plan in float64, without encryption',
    },
  ],
  async run(args, io) {
    const { dir, backend, threads, maxMemoryBytes, insecure, output } = args;
    using client = openClient(dir, { insecure });
    const { plan } = client;
    if (output !== undefined) checkResultFile(output, plan, readFiles(args));
    const inputs = readInputTensors(args.input, planInputs(plan), { limit: args.limit });
    const labels =
      args.labels === undefined ? null : readLabels(args.labels, inputs.images, plan.outputs);
    checkInputs(plan, inputs);

    const protocol = await runProtocol({
      folder: dir,
      client,
      insecure,
      backend,
      threads,
      maxMemoryBytes,
      inputs,
      progress: io.progress,
    });
    const { results, clear, timingsMs } = protocol;
    const program = compareResults(plan.outputs, results, clear);
    const accuracy = (rows: typeof results): number | null => {
      const classes = labels === null ? null : topClasses(plan.outputs, rows);
      return labels === null || classes === null ? null : accuracyOf(classes, labels);
    };
    let accuracyReference: number | null = null;
    let reference = { name: 'the plan in the clear', agreement: program.agreement };
    if (args.model !== undefined) {
      await using model = await openReference(args.model, plan, args.program);
      io.progress.step(`running the original model (${model.name})`);
      const original = await model.run(inputs, (done, total) => {
        io.progress.advance(done, total);
      });
      const { agreement } = compareResults(plan.outputs, results, original);
      reference = { name: model.name, agreement };
      accuracyReference = accuracy(original);
    }
    if (output !== undefined) writeResultFile(output, plan, results, readFiles(args));

    const classes = topClasses(plan.outputs, results);
    const figures = planFigures(client);
    const report = readReport(dir, plan);
    const { ringDegree, logQP, securityBits, levels, primes, specialPrimes } = figures.parameters;
    const json = {
      backend: protocol.backend,
      backendReason: protocol.backendReason,
      target: report?.target ?? (specialPrimes.length > 1 ? 'native' : 'portable'),
      threads: protocol.threads,
      batch: plan.batch,
      images: inputs.images,
      accuracy: accuracy(results),
      accuracyReference,
      accuracyProgram: accuracy(clear),
      agreement: reference.agreement,
      agreementReference: reference.name,
      agreementProgram: program.agreement,
      outputs: Object.fromEntries(
        [...results].map(([name, rows]) => [name, rows.map((row) => [...row])]),
      ),
      precisionBits: program.precisionBits,
      timingsMs,
      keyBytes: figures.keyBytes,
      residentKeyBytes: figures.residentKeyBytes,
      inputCiphertextBytes: figures.inputCiphertextBytes,
      outputCiphertextBytes: figures.outputCiphertextBytes,
      peakMemoryBytes: protocol.peakMemoryBytes,
      parameters: { ringDegree, logQP, securityBits, levels, primes, specialPrimes },
      approximations:
        report?.approximations.map(({ node, op, method, degree, range }) => ({
          node,
          op,
          method,
          degree,
          range,
        })) ?? [],
      planHash: plan.planHash,
    };
    const text = `${answerTable(plan, results, classes, labels)}\n\n${figureLines(json)}`;
    return { json, text };
  },
});

interface RunFigures {
  readonly backend: string;
  readonly backendReason: string;
  readonly threads: number;
  readonly images: number;
  readonly batch: number;
  readonly accuracy: number | null;
  readonly accuracyReference: number | null;
  readonly accuracyProgram: number | null;
  readonly agreement: number | null;
  readonly agreementReference: string;
  readonly agreementProgram: number | null;
  readonly precisionBits: { readonly worst: number | null; readonly mean: number | null };
  readonly timingsMs: {
    readonly keygen: number | null;
    readonly encrypt: readonly number[];
    readonly evaluate: readonly number[];
    readonly decrypt: readonly number[];
  };
  readonly keyBytes: number;
  readonly residentKeyBytes: number;
  readonly inputCiphertextBytes: number;
  readonly outputCiphertextBytes: number;
  readonly peakMemoryBytes: number;
  readonly parameters: {
    readonly ringDegree: number;
    readonly logQP: number;
    readonly securityBits: number;
    readonly levels: number;
  };
}

function figureLines(run: RunFigures): string {
  const { timingsMs, parameters, precisionBits } = run;
  const total = (list: readonly number[]): string =>
    list.length === 0
      ? timeText(null)
      : list.length === 1
        ? timeText(list[0]!)
        : `${timeText(mean(list))} × ${list.length}`;
  const seconds = timingsMs.evaluate.reduce((sum, ms) => sum + ms, 0) / 1000;
  const facts: [string, string][] = [
    ['evaluator', evaluatorText(run)],
    ['images', `${run.images}${run.batch > 1 ? `, up to ${run.batch} an execution` : ''}`],
    ...(run.accuracy === null ? [] : [['accuracy', accuracyText(run)] as [string, string]]),
    ['agreement', `${shareText(run.agreement)} with ${run.agreementReference}`],
    ...(run.agreementReference === 'the plan in the clear'
      ? []
      : [
          ['', `${shareText(run.agreementProgram)} with the plan in the clear`] as [string, string],
        ]),
    [
      'precision',
      run.backend === 'clear'
        ? 'exact: nothing was encrypted'
        : `${bitText(precisionBits.worst)} worst, ${bitText(precisionBits.mean)} mean`,
    ],
    [
      'security',
      `${parameters.securityBits} bits (N = ${parameters.ringDegree}, log2 QP = ${parameters.logQP.toFixed(1)}, ${parameters.levels} levels)`,
    ],
    ['keys', `${byteText(run.keyBytes)} sent, ${byteText(run.residentKeyBytes)} in memory`],
    [
      'ciphertexts',
      `${byteText(run.inputCiphertextBytes)} in, ${byteText(run.outputCiphertextBytes)} out`,
    ],
    ['peak memory', byteText(run.peakMemoryBytes)],
    ['make keys', timeText(timingsMs.keygen)],
    ['encrypt', total(timingsMs.encrypt)],
    ['evaluate', `${total(timingsMs.evaluate)} (${numberText(run.images / seconds)} images/s)`],
    ['decrypt', total(timingsMs.decrypt)],
  ];
  return factLines(facts);
}

/** `95 %, of the model 99 %`; that of the plan in the clear where encryption changed it */
function accuracyText({ accuracy, accuracyReference, accuracyProgram }: RunFigures): string {
  const changed = accuracyProgram !== accuracy;
  return [
    shareText(accuracy),
    ...(changed ? [`of the plan in the clear ${shareText(accuracyProgram)}`] : []),
    ...(accuracyReference === null ? [] : [`of the model ${shareText(accuracyReference)}`]),
  ].join(', ');
}

function readFiles({
  input,
  labels,
  model,
}: {
  readonly input: readonly string[];
  readonly labels: string | undefined;
  readonly model: string | undefined;
}): string[] {
  return [...input, labels, model].filter((file) => file !== undefined);
}
