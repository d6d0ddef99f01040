import { exitStatus } from '../../errors.ts';
import { missedBudgets, type Budget } from '../budgets.ts';
import { defineCommand } from '../define-command.ts';
import { readInputTensors } from '../input-tensors.ts';
import { programOption } from '../model-file.ts';
import { filePath, flag, number } from '../option-schemas.ts';
import { insecureOption, openClient } from '../plan-folder.ts';
import { compareResults, topClasses } from '../protocol/compare.ts';
import { checkInputs, planInputs } from '../protocol/plan-inputs.ts';
import { firstWrongLayer } from '../protocol/layers/layer-errors.ts';
import { runLayers } from '../protocol/layers/run-layers.ts';
import { readReport } from '../protocol/read-report.ts';
import { importReference, openReference } from '../protocol/reference-model.ts';
import { runProtocol } from '../protocol/run-protocol.ts';
import {
  backendOption,
  inputOption,
  limitOption,
  seedOption,
  threadsOption,
} from '../shared-options.ts';
import { bitText, evaluatorText, numberText, shareText } from '../text/figures.ts';
import { layerPage } from '../text/layer-page.ts';
import { factLines, textTable } from '../text/table.ts';

/** Error of a layer, of its values, from which it is named without being asked. */
const tolerableError = 0.25;

export default defineCommand({
  name: 'verify',
  summary: 'Compare a plan, on ciphertexts, with the model it was made from.',
  positional: { dir: { describe: 'folder that compile wrote' } },
  options: {
    model: {
      value: 'MODEL',
      schema: filePath(),
      describe: 'the .onnx or .ts file that was compiled',
    },
    program: programOption,
    input: inputOption,
    limit: limitOption,
    minPrecisionBits: {
      value: 'BITS',
      schema: number(0, 64).optional(),
      describe: 'fail below this precision against the model, on the worst image',
    },
    minAgreement: {
      value: 'SHARE',
      schema: number(0, 1).optional(),
      describe: 'fail when fewer images than this share, 0 to 1, have the same top class',
    },
    layers: {
      schema: flag(),
      describe: 'compare every layer: approximation, range escape, encoding, noise',
    },
    maxLayerError: {
      value: 'SHARE',
      schema: number(0, 1).optional(),
      describe: 'as --layers, and fail at a layer with a larger error, of its values',
    },
    seed: { ...seedOption, describe: 'with --layers: of the simulated noise' },
    backend: backendOption,
    threads: threadsOption,
    insecure: insecureOption,
  },
  examples: [
    {
      command: 'cipherloom verify plan/ --model lola.onnx --input images.npy --limit 5',
      does: 'bits of precision and the top class, image by image',
    },
    {
      command: 'cipherloom verify plan/ --model lola.onnx --input x.npy --min-agreement 0.98',
      does: 'exit status 5 when fewer than 98 % of the images agree',
    },
    {
      command: 'cipherloom verify plan/ --model relu.onnx --input x.npy --limit 5 --layers',
      does: 'where the error comes from, layer by layer, and the first layer that goes wrong',
    },
  ],
  async run({ dir, insecure, backend, threads, ...args }, io) {
    using client = openClient(dir, { insecure });
    const { plan } = client;
    const inputs = readInputTensors(args.input, planInputs(plan), { limit: args.limit });
    checkInputs(plan, inputs);
    await using model = await openReference(args.model, plan, args.program);
    io.progress.step(`running the original model (${model.name})`);
    const original = await model.run(inputs, (done, total) => {
      io.progress.advance(done, total);
    });
    const options = {
      folder: dir,
      client,
      insecure,
      backend,
      threads,
      inputs,
      progress: io.progress,
    };
    const byLayer =
      args.layers || args.maxLayerError !== undefined
        ? await runLayers({
            ...options,
            model: await importReference(args.model, plan, args.program),
            report: readReport(dir, plan),
            seed: args.seed,
          })
        : null;
    const wrong =
      byLayer === null
        ? null
        : firstWrongLayer(byLayer.layers, args.maxLayerError ?? tolerableError);
    const protocol = byLayer?.protocol ?? (await runProtocol(options));
    const { results, clear } = protocol;
    const against = compareResults(plan.outputs, results, original);
    const program = compareResults(plan.outputs, results, clear);
    const budgets: Budget[] = [
      ...(args.minPrecisionBits === undefined
        ? []
        : [
            {
              name: 'precisionBits',
              option: '--min-precision-bits',
              limit: args.minPrecisionBits,
              figure: against.precisionBits.worst ?? (against.bits.length > 0 ? Infinity : null),
              bound: 'least' as const,
            },
          ]),
      ...(args.minAgreement === undefined
        ? []
        : [
            {
              name: 'agreement',
              option: '--min-agreement',
              limit: args.minAgreement,
              figure: against.agreement,
              bound: 'least' as const,
            },
          ]),
    ];
    const missed = missedBudgets(budgets);
    const got = topClasses(plan.outputs, results);
    const expected = topClasses(plan.outputs, original);
    const images = against.bits.map((precisionBits, image) => ({
      image,
      precisionBits,
      top: got?.[image] ?? null,
      referenceTop: expected?.[image] ?? null,
      agrees: against.agrees?.[image] ?? null,
    }));
    const json = {
      backend: protocol.backend,
      backendReason: protocol.backendReason,
      images: inputs.images,
      reference: model.name,
      agreement: against.agreement,
      agreementProgram: program.agreement,
      precisionBits: against.precisionBits,
      precisionBitsProgram: program.precisionBits,
      worstElement: against.worstElement,
      perImage: images,
      missed,
      layers: byLayer?.layers ?? null,
      rangeEscapes: byLayer?.escapes ?? null,
      firstWrongLayer: wrong,
      planHash: plan.planHash,
    };
    const worst = against.worstElement;
    const text = [
      textTable(
        [
          ['image', 'precision', 'plan', 'model', ''],
          ...images.map(({ image, precisionBits, top, referenceTop, agrees }) => [
            String(image),
            precisionBits === null ? 'equal' : bitText(precisionBits),
            String(top ?? '–'),
            String(referenceTop ?? '–'),
            agrees === false ? 'differs' : '',
          ]),
        ],
        ['right', 'right'],
      ),
      '',
      factLines([
        ['evaluator', evaluatorText(protocol)],
        ['reference', model.name],
        ['agreement', shareText(against.agreement)],
        [
          'precision',
          `${bitText(against.precisionBits.worst)} worst, ${bitText(against.precisionBits.mean)} mean, against the model`,
        ],
        [
          '',
          `${bitText(program.precisionBits.worst)} worst, ${bitText(program.precisionBits.mean)} mean, against the plan in the clear`,
        ],
        [
          'worst value',
          worst === null
            ? '–'
            : `${worst.output}[${worst.index}] of image ${worst.image}: ${numberText(worst.got)}, expected ${numberText(worst.expected)}`,
        ],
      ]),
      ...(byLayer === null ? [] : ['', layerPage(byLayer, wrong)]),
      ...missed.map(
        ({ option, limit, figure }) => `missed: ${option} ${limit}, is ${numberText(figure)}`,
      ),
    ].join('\n');
    const failed = missed.length > 0 || (wrong !== null && args.maxLayerError !== undefined);
    return { json, text, exit: failed ? exitStatus.missedBudget : exitStatus.ok };
  },
});
