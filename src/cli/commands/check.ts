import { statSync } from 'node:fs';
import { join } from 'node:path';
import { loadPlan } from '../../backend/plan/read-plan.ts';
import { compile } from '../../compile.ts';
import { exitStatus } from '../../errors.ts';
import { checkPage } from '../check/check-page.ts';
import { collectFigures } from '../check/collect-figures.ts';
import { compareBaseline, readTolerances } from '../check/compare-baseline.ts';
import { junitXml } from '../check/junit.ts';
import { measurePlan } from '../check/measure-plan.ts';
import { budgetFileName, readBudgets } from '../check/read-budgets.ts';
import { sarifLog } from '../check/sarif.ts';
import { judgeBudgets, type Verdict } from '../check/verdicts.ts';
import { compilerOptions } from '../compile-options.ts';
import { modelOptions, openCompileRequest, type ModelArgs } from '../compile-request.ts';
import { defineCommand, type CommandIo } from '../define-command.ts';
import { byteCount, choice, filePath, flag, number } from '../option-schemas.ts';
import { checkOutputFile, writeOutputFile } from '../output-file.ts';
import { planFileName, writeOutputFolder } from '../output-folder.ts';
import { packageVersion } from '../package-version.ts';
import { kebabCase } from '../parse-arguments.ts';
import { openClient, requireSamePlan } from '../plan-folder.ts';
import { fullOutputs } from '../../layout/full-outputs.ts';
import { planFigures } from '../protocol/plan-figures.ts';
import { readReport, reportFileName } from '../protocol/read-report.ts';
import {
  inputOption,
  labelsOption,
  limitOption,
  outputOption,
  threadsOption,
} from '../shared-options.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { escapeWarning } from '../text/escape-table.ts';
import { usageError } from '../usage-error.ts';

// Here they are budgets of the finished plan, not bounds of the compiler's search.
const {
  maxKeyBytes: _keys,
  maxMemoryBytes: _memory,
  insecure: insecureOption,
  ...compileOnly
} = compilerOptions;

const { program: programOption, ...modelOnly } = modelOptions;
const compilingOptions = { ...modelOnly, ...compileOnly };

export default defineCommand({
  name: 'check',
  summary: 'Hold a plan against budgets and an earlier report, for continuous integration.',
  positional: {
    plan: { describe: 'folder that compile wrote; or a model, .onnx or .ts, to compile first' },
  },
  options: {
    budget: {
      value: 'FILE',
      schema: filePath().optional(),
      describe: `budgets as JSON; default ${budgetFileName} where the current folder has it; flags win`,
    },
    minSecurity: {
      value: 'BITS',
      schema: number(0, 512).optional(),
      describe: 'least security, recomputed from the primes; default what the plan was made for',
    },
    minPrecisionBits: {
      value: 'BITS',
      schema: number(0, 64).optional(),
      describe: 'least precision of the results: predicted, or measured where that is less',
    },
    maxLatencyMs: {
      value: 'MS',
      schema: number(0).optional(),
      describe: 'most milliseconds of one evaluation: modelled, or measured with --measured',
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
    maxRangeEscape: {
      value: 'P',
      schema: number(0, 1).optional(),
      describe: 'largest probability that a value leaves its range',
    },
    minAgreement: {
      value: 'SHARE',
      schema: number(0, 1).optional(),
      describe: 'least share of images with the top class of --model',
    },
    minAccuracy: {
      value: 'SHARE',
      schema: number(0, 1).optional(),
      describe: 'least share of images with the class of --labels',
    },
    baseline: {
      value: 'OLD/report.json',
      schema: filePath().optional(),
      describe: 'report of an earlier plan of the model: its figures, with tolerances, are limits',
    },
    tolerance: {
      value: 'NAME=NUMBER',
      repeat: true,
      schema: filePath().array().default([]),
      describe:
        'how much worse than the baseline: bits, or a share of times and bytes, as in latencyMs=0.1',
    },
    measured: {
      schema: flag(),
      describe: 'run on ciphertexts; --max-latency-ms is about the median of that',
    },
    input: {
      ...inputOption,
      schema: filePath().array().default([]),
      describe: 'images to run on, without encryption unless --measured is given',
    },
    limit: limitOption,
    labels: {
      ...labelsOption,
      describe: 'class indices of the images, for --min-accuracy',
    },
    model: {
      value: 'MODEL',
      schema: filePath().optional(),
      describe: 'the original model, for --min-agreement and as the place of findings in SARIF',
    },
    backend: {
      value: 'NAME',
      schema: choice(['auto', 'native', 'seal']).default('auto'),
      describe: 'evaluator of --measured; auto: native where its addon is built, else seal',
    },
    threads: threadsOption,
    format: {
      value: 'WORD',
      schema: choice(['text', 'json', 'sarif', 'junit']).default('text'),
      describe: 'text (default), json, which is --json, sarif (2.1.0) or junit (XML)',
    },
    output: {
      ...outputOption,
      value: 'FILE',
      schema: outputOption.schema.optional(),
      describe: 'write --format there; the text is printed',
    },
    program: programOption,
    ...compilingOptions,
    insecure: {
      ...insecureOption,
      describe: 'load a plan that is stamped insecure; of a model, allow parameters below 128 bits',
    },
  },
  examples: [
    {
      command: 'cipherloom check plan/ --min-precision-bits 12 --max-key-bytes 256MiB',
      does: 'exit status 5 and the figures when the plan leaves a budget',
    },
    {
      command: 'cipherloom check lola.onnx --calibration images.npy --budget lola.budget.json',
      does: 'compile, and hold the plan to the budgets of a file; nothing is kept',
    },
    {
      command: 'cipherloom check plan/ --baseline main/report.json --tolerance latencyMs=0.1',
      does: 'fail where a figure is worse than in an earlier report; 10 % more time is allowed',
    },
    {
      command:
        'cipherloom check plan/ --model lola.onnx --input x.npy --min-agreement 0.99 --measured',
      does: 'run on ciphertexts, and compare the answers with those of the original',
    },
    {
      command: 'cipherloom check plan/ --model lola.onnx --format sarif --output check.sarif',
      does: 'leave the findings for a code scanning page, at the nodes of the model',
    },
  ],
  async run(args, io) {
    const { format, output } = args;
    if (io.json && format !== 'json' && format !== 'text' && output === undefined) {
      throw usageError(`--json and --format ${format} both want the standard output`, {
        option: '--format',
        got: format,
        hint: `--format ${format} --output FILE`,
      });
    }
    const tolerated = readTolerances(args.tolerance);
    const given = readBudgets(args.budget, args);
    if (output !== undefined) checkOutputFile(output, { inputs: filesRead(args, given.file) });
    requireCompany(args);

    using compiled = isFolder(args.plan) ? null : await compileModel(args.plan, args, io);
    if (compiled === null) refuseCompilingOptions(args);
    const folder = compiled?.folder ?? args.plan;
    const model = compiled === null ? args.model : args.plan;

    using client = openClient(folder, args);
    const plan = await loadPlan(join(folder, planFileName));
    const { facts, hash } = plan;
    requireSamePlan(folder, hash, client.plan.planHash);
    const report = readReport(folder, client.plan);
    const figures = planFigures(client);
    const measured =
      args.input.length === 0 && !args.measured
        ? null
        : await measurePlan(
            { ...args, folder, client, model, backend: args.measured ? args.backend : 'clear' },
            io,
          );

    const { escaped, images } = measured?.escapes ?? { escaped: 0, images: 0 };
    const warning = escapeWarning(escaped, images);
    if (warning !== null) io.warn(warning);

    const found = collectFigures({ plan, figures, report, measured });
    // A stamped plan is checked only where --insecure asked for it; it has no security to hold.
    const target = { limit: facts.insecure ? 0 : facts.securityTarget, option: '--min-security' };
    const budgets = judgeBudgets(new Map([['minSecurity', target], ...given.limits]), found);
    const comparison =
      args.baseline === undefined
        ? null
        : compareBaseline(args.baseline, join(folder, reportFileName), {
            ...given.tolerances,
            ...tolerated,
          });
    const verdicts = [...budgets, ...(comparison?.verdicts ?? [])];
    const ok = verdicts.every(({ met }) => met);
    const calibrated = plan.program.operations.filter(
      ({ type }) => type.range?.source === 'calibrated',
    ).length;
    const full = fullOutputs(client.plan);
    const json = {
      ok,
      insecure: facts.insecure,
      budgetFile: given.file,
      budgets: budgets.map(shown),
      missed: namesOfMissed(budgets),
      baseline:
        comparison === null
          ? null
          : {
              file: args.baseline!,
              comparisons: comparison.verdicts.map(shown),
              missed: namesOfMissed(comparison.verdicts),
              notCompared: comparison.notCompared,
            },
      measured: measured && {
        backend: measured.backend,
        threads: measured.threads,
        images: measured.images,
        latencyMs: measured.latencyMs,
        precisionBits: measured.precisionBits,
      },
      securityBits: plan.securityBits,
      precisionBits: facts.precisionBits,
      modelledMs:
        typeof report?.modelledSeconds === 'number' ? report.modelledSeconds * 1000 : null,
      keyBytes: figures.keyBytes,
      residentKeyBytes: figures.residentKeyBytes,
      peakCiphertextBytes: facts.peakCiphertextBytes,
      memoryBytes: found.memoryBytes.value,
      rangeEscape: found.rangeEscape.value,
      fullOutputs: full,
      ranges: { proved: plan.program.operations.length - calibrated, calibrated },
      agreement: measured?.agreement ?? null,
      accuracy: measured?.accuracy ?? null,
      planHash: hash,
    };
    const page = checkPage(verdicts, {
      insecure: facts.insecure,
      fullOutputs: calibrated === 0 ? [] : full,
      notCompared: comparison?.notCompared ?? [],
    });
    const document = {
      text: () => page,
      json: () => JSON.stringify({ ...json, warnings: [] }),
      sarif: () =>
        sarifLog(verdicts, {
          file: model ?? join(folder, planFileName),
          version: packageVersion(),
        }),
      junit: () => junitXml(verdicts, client.plan, new Date()),
    }[format]();
    if (output !== undefined) {
      writeOutputFile(output, document, { inputs: filesRead(args, given.file) });
    }
    return {
      json,
      text: output === undefined ? document : page,
      exit: ok ? exitStatus.ok : exitStatus.missedBudget,
    };
  },
});

interface CompiledFolder extends Disposable {
  readonly folder: string;
}

async function compileModel(path: string, args: ModelArgs, io: CommandIo): Promise<CompiledFolder> {
  io.progress.step('compiling the model');
  const { maxKeyBytes: _keys, maxMemoryBytes: _memory, ...options } = args;
  const { model, request } = await openCompileRequest(path, {
    ...options,
    maxKeyBytes: undefined,
    maxMemoryBytes: undefined,
  });
  const compiled = await compile(model, request);
  for (const warning of compiled.warnings) io.warn(warning);
  const parent = temporaryFolder();
  const folder = join(parent.path, 'plan');
  try {
    writeOutputFolder(folder, compiled.files(), { inputs: [path, ...args.calibration] });
  } catch (error) {
    parent[Symbol.dispose]();
    throw error;
  }
  return {
    folder,
    [Symbol.dispose]: () => {
      parent[Symbol.dispose]();
    },
  };
}

/** A plan is made; an option that would make another one must not be taken for one that did. */
function refuseCompilingOptions(
  args: Readonly<Record<string, unknown>> & { readonly plan: string },
) {
  for (const name of Object.keys(compilingOptions)) {
    const value = args[name];
    if (value === undefined || value === false || (Array.isArray(value) && value.length === 0))
      continue;
    const option = `--${kebabCase(name)}`;
    throw usageError(`${option} is for compiling, and ${args.plan} is compiled already`, {
      option,
      hint: `give the model in place of the folder, or leave ${option} out`,
    });
  }
}

/** Options about images mean nothing without any, and a tolerance nothing without a baseline. */
function requireCompany(args: {
  readonly input: readonly string[];
  readonly labels: string | undefined;
  readonly limit: number | undefined;
  readonly baseline: string | undefined;
  readonly tolerance: readonly string[];
}): void {
  if (args.tolerance.length > 0 && args.baseline === undefined) {
    throw usageError('--tolerance is about a baseline, and --baseline names none', {
      option: '--tolerance',
      hint: '--baseline OLD/report.json',
    });
  }
  if (args.input.length > 0) return;
  for (const name of ['labels', 'limit'] as const) {
    if (args[name] === undefined) continue;
    throw usageError(`--${name} is about images, and --input gives none`, {
      option: `--${name}`,
      hint: '--input X.npy',
    });
  }
}

function isFolder(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  // What does not exist and does not look like a model was meant to be a folder.
  return stats === undefined ? !/\.(onnx|[cm]?[jt]s)$/i.test(path) : stats.isDirectory();
}

function filesRead(
  args: {
    readonly plan: string;
    readonly input: readonly string[];
    readonly labels: string | undefined;
    readonly model: string | undefined;
    readonly baseline: string | undefined;
  },
  budgetFile: string | null,
): string[] {
  const { plan, input, labels, model, baseline } = args;
  return [
    ...(isFolder(plan) ? [] : [plan]),
    ...input,
    ...[labels, model, baseline, budgetFile].filter((file) => file !== undefined && file !== null),
  ];
}

function shown({ name, option, limit, figure, bound, source, met }: Verdict) {
  return { name, option, limit, figure, bound, source, met };
}

function namesOfMissed(verdicts: readonly Verdict[]): string[] {
  return verdicts.filter(({ met }) => !met).map(({ name }) => name);
}
