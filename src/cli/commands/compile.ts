import { planFigures } from '../protocol/plan-figures.ts';
import { compilerOptions } from '../compile-options.ts';
import { modelOptions, openCompileRequest } from '../compile-request.ts';
import { defineCommand } from '../define-command.ts';
import { openIrDump } from '../ir-files.ts';
import { modelDescription } from '../model-file.ts';
import { filePath, flag, moduleName, nameList } from '../option-schemas.ts';
import { checkOutputFolder, writeOutputFolder } from '../output-folder.ts';
import { requirePassName } from '../pass-names.ts';
import { outputOption } from '../shared-options.ts';
import {
  bitText,
  byteText,
  modelledTimeText,
  nativeMemoryText,
  numberText,
  timeText,
} from '../text/figures.ts';
import { keptKeysText, keyBudgetText } from '../text/key-budget-text.ts';
import { degreesPage } from '../text/degrees-page.ts';
import { packingPage } from '../text/packing-page.ts';
import { factLines, textTable } from '../text/table.ts';
import { usageError } from '../usage-error.ts';
import { drawLayouts, layoutsOf } from '../../backend/report/draw-layouts.ts';
import { Client } from '../../client/index.ts';
import { compile, compileUntil } from '../../compile.ts';
import type { CompiledModel, CompileRequest } from '../../compile.ts';
import { printProgram } from '../../ir/print.ts';
import { passes } from '../../passes/index.ts';

export default defineCommand({
  name: 'compile',
  summary: 'Compile a model into a plan, with the TypeScript that calls it.',
  positional: { model: { describe: modelDescription } },
  options: {
    output: {
      ...outputOption,
      value: 'DIR',
      schema: outputOption.schema.optional(),
      describe: 'folder for the plan; an earlier plan there is replaced, all or nothing',
    },
    ...modelOptions,
    ...compilerOptions,
    printIrAfter: {
      value: 'PASS,…|all',
      schema: nameList().default([]),
      describe: 'print the program after these passes',
    },
    stopAfter: {
      value: 'PASS',
      schema: filePath().optional(),
      describe: 'stop there and print the program; no plan is made',
    },
    dumpIr: {
      value: 'DIR',
      schema: filePath().optional(),
      describe: 'write the program after every pass to a folder, for cipherloom opt',
    },
    clientImport: {
      value: 'NAME',
      schema: moduleName().optional(),
      describe:
        'what client.ts imports: cipherloom/client (default), or cipherloom-client, the same code in a small package',
    },
    explain: {
      schema: flag(),
      describe: 'say which layouts were considered and why one won, with pictures in layouts.svg',
    },
    force: { schema: flag(), describe: 'write into a folder that holds other files' },
  },
  examples: [
    {
      command: 'cipherloom compile lola.onnx -o plan/ --calibration images.npy',
      does: 'a plan for one image at a time, in plan/',
    },
    {
      command: 'cipherloom compile lola.onnx -o plan/ --objective throughput',
      does: 'a plan that holds thousands of images in one execution',
    },
    {
      command: 'cipherloom compile relu.onnx --stop-after fuse-linear --calibration images.npy',
      does: 'the program after the last pass on tensors, as text',
    },
    {
      command: 'cipherloom compile lenet.onnx -o plan/ --explain',
      does: 'the layouts considered for each layer, their modelled costs, and why one won',
    },
  ],
  async run(args, io) {
    const { output, printIrAfter, stopAfter, force } = args;
    for (const name of printIrAfter) requirePassName(name, '--print-ir-after', ['all']);
    if (stopAfter !== undefined) requirePassName(stopAfter, '--stop-after');
    if (output === undefined && stopAfter === undefined) {
      throw usageError('--output DIR is missing', {
        option: '--output',
        hint: 'give a folder for the plan, or --stop-after PASS to see the program alone',
      });
    }
    const reads = [args.model, ...args.calibration];
    if (output !== undefined && stopAfter === undefined) {
      checkOutputFolder(output, { inputs: reads, force });
    }

    const startedAt = performance.now();
    io.progress.step('reading the model');
    const { model, request: asked } = await openCompileRequest(args.model, args);
    using dump = args.dumpIr === undefined ? undefined : openIrDump(args.dumpIr, { force });
    const printed = new Map<string, string>();
    const request: CompileRequest = {
      ...asked,
      ...(stopAfter === undefined ? {} : { stopAfter }),
      clientImport: args.clientImport,
      afterPass: (pass, program, index) => {
        const next = passes[index + 1];
        if (next !== undefined)
          io.progress.step(`pass ${index + 2}/${passes.length}: ${next.name}`);
        dump?.write(index, pass.name, program);
        if (printIrAfter.includes('all') || printIrAfter.includes(pass.name)) {
          printed.set(pass.name, printProgram(program));
        }
      },
    };

    if (stopAfter !== undefined) {
      const { program, warnings } = compileUntil(model, request);
      for (const warning of warnings) io.warn(warning);
      printed.set(stopAfter, printProgram(program));
      return {
        json: { name: model.name, stopAfter, ir: irEntries(printed) },
        text: irText(printed),
      };
    }
    const compiled = await compile(model, request);
    for (const warning of compiled.warnings) io.warn(warning);
    io.progress.step('writing the plan');
    const files = compiled.files();
    if (args.explain) {
      const picture = drawLayouts(layoutsOf(compiled.program));
      files.set('layouts.svg', new TextEncoder().encode(picture));
    }
    writeOutputFolder(output!, files, { inputs: reads, force });

    const sizes = [...files].map(([name, bytes]) => ({ name, bytes: bytes.length }));
    const compileMs = performance.now() - startedAt;
    using client = Client.load(compiled.client);
    const json = {
      ...compiled.report,
      residentKeyBytes: planFigures(client).residentKeyBytes,
      output,
      files: sizes,
      timingsMs: { compile: compileMs },
      ...(printed.size === 0 ? {} : { ir: irEntries(printed) }),
    };
    const text = [
      ...(printed.size === 0 ? [] : [irText(printed)]),
      ...(args.explain && compiled.report.jointChoice !== null
        ? [`${degreesPage(compiled.report.jointChoice)}\n`]
        : []),
      ...(args.explain && compiled.report.keyBudget !== null
        ? [
            `Rotation keys under --max-key-bytes: ${keyBudgetText(compiled.report.keyBudget)}. Kept, by step:\n${keptKeysText(compiled.client.keys.rotations)}\n`,
          ]
        : []),
      ...(args.explain ? [`${packingPage(compiled.report.choices)}\n`] : []),
      summary(compiled, json.residentKeyBytes, output!, sizes, compileMs),
    ];
    return { json, text: text.join('\n') };
  },
});

function irEntries(printed: ReadonlyMap<string, string>) {
  return [...printed].map(([pass, text]) => ({ pass, text }));
}

function irText(printed: ReadonlyMap<string, string>): string {
  return [...printed].map(([pass, text]) => `// after ${pass}\n${text}`).join('\n');
}

function summary(
  { report, name }: CompiledModel,
  residentKeyBytes: number,
  output: string,
  files: readonly { readonly name: string; readonly bytes: number }[],
  compileMs: number,
): string {
  const { parameters } = report;
  const calibrated = report.ranges.filter(({ source }) => source === 'calibrated').length;
  const facts = factLines([
    ['model', name],
    ['plan', report.planHash],
    ['batch', `${report.batch} ${report.batch === 1 ? 'image' : 'images'} an execution`],
    [
      'ring degree',
      `${parameters.ringDegree}, ${parameters.levels} levels, log2 QP = ${parameters.logQP.toFixed(1)}`,
    ],
    [
      'security',
      `${parameters.securityBits} bits${parameters.insecure ? ', INSECURE: protects nothing' : ''}`,
    ],
    ['precision', `${bitText(report.precisionBits)}, estimated`],
    [
      'keys',
      `${byteText(report.keyBytes)} sent, ${byteText(residentKeyBytes)} in memory, ${report.rotationKeys} rotations`,
    ],
    ...(report.keyBudget === null
      ? []
      : [['key budget', keyBudgetText(report.keyBudget)] as const]),
    [
      'ciphertexts',
      `${byteText(report.inputCiphertextBytes)} in, ${byteText(report.outputCiphertextBytes)} out, ${byteText(report.peakCiphertextBytes)} at most at once`,
    ],
    ['memory', `${nativeMemoryText(report.nativeMemory)}, modelled`],
    ['evaluation', `about ${modelledTimeText(report.evaluatorSeconds)}, modelled`],
    [
      'ranges',
      `${report.ranges.length - calibrated} proved or declared, ${calibrated} seen on calibration data`,
    ],
    ['compiled in', timeText(compileMs)],
  ]);
  const approximations = textTable(
    report.approximations.map(({ node, op, method, degree, range, rmsError }) => [
      `  ${node ?? '–'}`,
      op,
      `degree ${degree}, ${method}`,
      `on [${range.map(numberText).join(', ')}]`,
      `rms error ${numberText(rmsError)}`,
    ]),
  );
  const written = textTable(
    files.map((file) => [`  ${file.name}`, byteText(file.bytes)]),
    ['left', 'right'],
  );
  return [
    facts,
    ...(approximations === '' ? [] : ['approximations', approximations]),
    output,
    written,
  ].join('\n');
}
