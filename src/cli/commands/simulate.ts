import { defineCommand } from '../define-command.ts';
import { readInputTensors } from '../input-tensors.ts';
import { choice } from '../option-schemas.ts';
import { insecureOption, openClient, openSession } from '../plan-folder.ts';
import { finishResults, runPlanInClear } from '../protocol/clear-results.ts';
import { accuracyOf, compareResults, topClasses } from '../protocol/compare.ts';
import { imagesOf } from '../protocol/layers/run-layers.ts';
import { checkInputs, planInputs, publicTensors } from '../protocol/plan-inputs.ts';
import { readLabels } from '../protocol/read-labels.ts';
import { inputOption, labelsOption, limitOption, seedOption } from '../shared-options.ts';
import { answerTable } from '../text/answers.ts';
import { escapeTable, escapeWarning } from '../text/escape-table.ts';
import { bitText, shareText } from '../text/figures.ts';
import { factLines } from '../text/table.ts';

export default defineCommand({
  name: 'simulate',
  summary: 'Run a plan in the clear with the noise of ciphertexts, and count range escapes.',
  positional: { dir: { describe: 'folder that compile wrote' } },
  options: {
    input: inputOption,
    labels: labelsOption,
    limit: limitOption,
    seed: seedOption,
    evaluator: {
      value: 'native|seal',
      schema: choice(['native', 'seal']).default('native'),
      describe: 'whose noise: key switches differ',
    },
    insecure: insecureOption,
  },
  examples: [
    {
      command: 'cipherloom simulate plan/ --input images.npy --labels labels.npy',
      does: 'accuracy with noise, precision, and how often a value leaves its range',
    },
    {
      command: 'cipherloom simulate plan/ --input images.npy --seed 2 --evaluator seal --json',
      does: "another draw, of the noise of SEAL's evaluator, as one JSON object",
    },
  ],
  async run({ dir, insecure, seed, evaluator, ...args }, io) {
    using client = openClient(dir, { insecure });
    const { plan } = client;
    const inputs = readInputTensors(args.input, planInputs(plan), { limit: args.limit });
    const labels =
      args.labels === undefined ? null : readLabels(args.labels, inputs.images, plan.outputs);
    checkInputs(plan, inputs);
    await using session = await openSession(dir, { insecure, client }, { backend: 'clear' });
    io.progress.step('evaluating in the clear');
    const { results: clear } = await runPlanInClear(session, plan, inputs, (done, total) => {
      io.progress.advance(done, total);
    });
    io.progress.step('simulating');
    const { outputs, escapes, escapedImages } = await session.simulate(imagesOf(inputs), {
      public: publicTensors(plan, inputs),
      seed,
      evaluator,
    });
    const results = finishResults(plan, outputs);
    const classes = topClasses(plan.outputs, results);
    const { agreement, precisionBits } = compareResults(plan.outputs, results, clear);
    const json = {
      images: inputs.images,
      seed,
      evaluator,
      accuracy: labels === null || classes === null ? null : accuracyOf(classes, labels),
      agreementProgram: agreement,
      precisionBits,
      escapedImages,
      rangeEscapes: escapes,
      outputs: Object.fromEntries(
        [...results].map(([name, rows]) => [name, rows.map((row) => [...row])]),
      ),
      planHash: plan.planHash,
    };
    const warning = escapeWarning(escapedImages, inputs.images);
    if (warning !== null) io.warn(warning);
    const text = [
      answerTable(plan, results, classes, labels),
      '',
      factLines([
        ['noise', `of the ${evaluator} evaluator, seed ${seed}`],
        ['accuracy', shareText(json.accuracy)],
        ['agreement', `${shareText(agreement)} with the plan in the clear`],
        ['precision', `${bitText(precisionBits.worst)} worst, ${bitText(precisionBits.mean)} mean`],
      ]),
      ...(escapes.length === 0 ? [] : ['', escapeTable(escapes)]),
    ].join('\n');
    return { json, text };
  },
});
