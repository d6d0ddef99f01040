/**
 * Writes RESULTS.md, roc.svg and the figures of MODEL_CARD.md.
 *
 *   npm run melanoma:results -- --data DIR --work DIR [--split val|test] [--compiled]
 *
 * --data is the folder with labels.csv, --work that of `melanoma:encrypted` and `melanoma:throughput`,
 * whose records are shown where they belong to this network; logits of the clear network and reports of
 * plans are kept there too, so that the command can be stopped and given again. --compiled leaves out
 * plans that have no report there. The clear network is run on every image of the split. The test split is for one run, when network and threshold are committed: it is refused
 * while model.onnx or model.json has changes.
 */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import * as prettier from 'prettier';
import type { CompiledModel } from 'cipherloom';
import { thisMachine } from '../../bench/results/machine.ts';
import { createProgressLine } from '../../src/cli/progress.ts';
import type { BatchSizeRecord } from './batch-sizes.ts';
import { openClear } from './clear.ts';
import { readRecordLines, type EncryptedImage, type EncryptedRun } from './encrypted.ts';
import {
  areaUnderCurve,
  rates,
  rocCurve,
  withInterval,
  type Figure,
  type Scored,
} from './figures.ts';
import { readPixels } from './images.ts';
import {
  here,
  readCalibration,
  readModel,
  readRecord,
  readTrainedSizes,
  sigmoid,
  type Model,
  type TrainedSize,
} from './model.ts';
import { compilePlan, type PlanName } from './plans.ts';
import { neighbours, paper } from './published.ts';
import { rocPlot } from './roc.ts';
import type { SizeRecord } from './sizes.ts';
import { readSplit, type SkinImage } from './splits.ts';
import type { ThroughputRecord } from './throughput.ts';

interface Scores {
  readonly rows: readonly SkinImage[];
  /** Logits of the clear network. */
  readonly logits: readonly number[];
}

const text = { type: 'string' } as const;
const { values } = parseArgs({
  options: { data: text, work: text, split: text, compiled: { type: 'boolean' } },
});
const { data, work, split = 'val', compiled = false } = values;
if (data === undefined || work === undefined) {
  throw new Error('--data DIR --work DIR [--split val|test]');
}
if (split === 'test') requireFrozen();
const model = await readModel();
const record = await readRecord(model);
const { threshold } = record.validation.nevus;
const trainedSizes = await readTrainedSizes();
const records = work;
mkdirSync(records, { recursive: true });
const scores = await clearScores(data, split);
const runs = encryptedRuns(records, split);
const throughput = throughputRecords(records);
writeFileSync(path.join(here, 'roc.svg'), rocSvg(scores));
await writePage('RESULTS.md', await resultsPage());
await writePage('MODEL_CARD.md', filledCard());

/** The network and its threshold are those of a commit. */
function requireFrozen(): void {
  const changed = execFileSync('git', ['status', '--porcelain', '--', 'model.onnx', 'model.json'], {
    cwd: here,
    encoding: 'utf8',
  });
  if (changed !== '')
    throw new Error('commit model.onnx and model.json before the test split is run');
}

async function clearScores(folder: string, name: string): Promise<Scores> {
  const rows = readSplit(folder, name);
  const kept = path.join(records, `clear-${name}-${model.sha256.slice(0, 12)}.jsonl`);
  const logits = existsSync(kept)
    ? readFileSync(kept, 'utf8').split('\n').slice(0, -1).map(Number)
    : [];
  await using network = await openClear(model);
  using progress = createProgressLine(process.stderr, process.stderr.isTTY);
  progress.step(`${rows.length} images of ${name} in the clear`);
  for (const { file } of rows.slice(logits.length)) {
    progress.advance(logits.length, rows.length);
    const image = await readPixels(path.join(folder, file), model.preprocessing);
    logits.push(await network.logit(image));
    appendFileSync(kept, `${logits.at(-1)!}\n`);
  }
  return { rows, logits };
}

/** The report of a plan, as it was compiled before, or now; null where it is left out. */
async function planReport(name: PlanName): Promise<CompiledModel['report'] | null> {
  const kept = path.join(records, `report-${name}-${model.sha256.slice(0, 12)}.json`);
  if (existsSync(kept)) return JSON.parse(readFileSync(kept, 'utf8')) as CompiledModel['report'];
  if (compiled) return null;
  const { report } = await compilePlan(name, model, await readCalibration(model));
  writeFileSync(kept, `${JSON.stringify(report, null, 2)}\n`);
  return report;
}

interface EncryptedRecord {
  readonly run: EncryptedRun;
  readonly images: readonly EncryptedImage[];
}

/** Records of `melanoma:encrypted` with this network on the split. */
function encryptedRuns(folder: string, name: string): EncryptedRecord[] {
  return jsonFiles(folder, `encrypted-${name}-`)
    .map(({ file, value }) => ({ file, run: value as EncryptedRun }))
    .filter(({ run }) => run.model === model.sha256)
    .map(({ file, run }) => ({
      run,
      images: readRecordLines(file.replace(/json$/, 'jsonl')),
    }))
    .filter(({ images }) => images.length > 0);
}

function throughputRecords(folder: string): ThroughputRecord[] {
  return jsonFiles(folder, 'throughput-')
    .map(({ value }) => value as ThroughputRecord)
    .filter((value) => value.model === model.sha256);
}

function jsonFiles(
  folder: string,
  prefix: string,
): { readonly file: string; readonly value: unknown }[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.startsWith(prefix) && name.endsWith('.json'))
    .sort()
    .map((name) => path.join(folder, name))
    .map((file) => ({ file, value: JSON.parse(readFileSync(file, 'utf8')) as unknown }));
}

/** The images that `keep` takes, as the figures want them. */
function scored({ rows, logits }: Scores, keep: (row: SkinImage) => boolean): Scored {
  const kept = rows.flatMap((row, n) => (keep(row) ? [n] : []));
  return { scores: kept.map((n) => logits[n]!), positive: kept.map((n) => rows[n]!.melanoma) };
}

function rocSvg(all: Scores): string {
  const sources = [...new Set(all.rows.map(({ source }) => source))].sort();
  const curve = (name: string, part: Scored) => ({
    name: `${name}: ${areaUnderCurve(part).toFixed(3)}`,
    points: rocCurve(part),
  });
  return rocPlot(`Melanoma, ${split} split`, [
    curve('against nevi', scored(all, isTask)),
    curve(
      'against everything else',
      scored(all, () => true),
    ),
    ...sources.map((source) =>
      curve(
        `against nevi, ${source}`,
        scored(all, (row) => isTask(row) && row.source === source),
      ),
    ),
  ]);
}

/** Melanoma against nevi. */
function isTask({ melanoma, diagnosis }: SkinImage): boolean {
  return melanoma || diagnosis === 'nv';
}

async function resultsPage(): Promise<string> {
  const plans = [await planReport('latency'), await planReport('throughput')];
  const [latency, many] = plans;
  const each = (shown: (report: CompiledModel['report']) => string): string =>
    plans.map((report) => (report === null ? 'not compiled' : shown(report))).join(' | ');
  const security = (report: CompiledModel['report'] | null | undefined): string =>
    report ? `${report.parameters.securityBits.toFixed(0)} bits` : 'not compiled';
  const [run] = runs.toSorted((a, b) => b.images.length - a.images.length);
  const batch = throughput.at(-1);
  const task = scored(scores, isTask);
  const everything = scored(scores, () => true);
  const onNevi = rates(task, threshold);
  const measured = (value: string | undefined): string => value ?? 'not measured';
  const evaluate = run && median(run.images.map(({ evaluateMs }) => evaluateMs));
  const client = run && median(run.images.map(({ encryptMs, decryptMs }) => encryptMs + decryptMs));
  const machine = thisMachine();
  const perHour = batch && (3600 * batch.images) / batch.evaluateSeconds;
  return `# Results

Written by \`npm run melanoma:results\` on the ${split === 'val' ? 'validation split, on which network and threshold were chosen: these figures flatter. The test split has not been run' : 'test split, run once after network and threshold were committed'}. Images of ${imageText(model)}; the network is \`model.onnx\` (recipe \`${model.recipe}\`, ${(record.multiplyAdds / 1e6).toFixed(1)} M multiply-adds, ${record.activations.toLocaleString('en')} activations, ${record.parameters.toLocaleString('en')} parameters). Processor: ${machine.processor}, ${machine.cores} cores, ${machine.vectors.join(', ')}.

For demonstration only, no diagnosis: see [MODEL_CARD.md](MODEL_CARD.md).

## Beside the paper

Neither the paper's images nor their size are known, nor how balanced its classes were; accuracy on other images is not comparable, and time on images of another size only roughly.

| | CryptInfer (2021) | here |
|---|---|---|
| accuracy | 80 % | ${percent(onNevi.balanced)} balanced, ${percent(onNevi.accuracy)} plain (melanoma against nevi, ${task.scores.length} images) |
| security | ${paper.securityBits} bits | ${security(latency)} for one image, ${security(many)} for many (2024 table) |
| one image | ${paper.latencySeconds} s | ${measured(run && evaluate !== undefined && client !== undefined ? `${seconds(evaluate)} on the server with ${run.run.threads} threads, ${seconds(client)} at the client (medians of ${run.images.length})` : undefined)} |
| images an hour | ${paper.imagesAnHour.toLocaleString('en')} | ${measured(batch && perHour !== undefined ? `${Math.round(perHour).toLocaleString('en')} on ${batch.threads} threads` : undefined)} |

## Accuracy

The network's activations are polynomials, so that the clear network and the polynomial one are the same. Brackets hold 95 % intervals of 1,000 bootstrap samples; the threshold of the logit is ${threshold.toFixed(3)}, chosen on the validation split against nevi.

| | images | melanomas | AUC | balanced accuracy | sensitivity | specificity |
|---|---|---|---|---|---|---|
${[
  accuracyRow('melanoma against nevi', task),
  accuracyRow('melanoma against everything else', everything),
  ...partRows(),
].join('\n')}

![Sensitivity over false alarms](roc.svg)

## Encrypted against clear

${run === undefined ? 'Not measured for this network yet: `npm run melanoma:encrypted`.' : agreement(run)}

${batch === undefined ? 'The throughput plan has not been run on a full batch for this network yet: `npm run melanoma:throughput`.' : batchText(batch)}

## What the plans take

| | one image | many images |
|---|---|---|
| images an execution | ${each((report) => report.batch.toLocaleString('en'))} |
| ring degree, levels, log2 QP | ${each(({ parameters: p }) => `${p.ringDegree}, ${p.levels}, ${p.logQP.toFixed(0)}`)} |
| security | ${each(security)} |
| precision, a bound | ${each((report) => `${report.precisionBits.toFixed(1)} bits`)} |
| evaluation keys | ${each((report) => bytes(report.keyBytes))} |
| upload an image | ${each((report) => bytes(report.inputCiphertextBytes / report.batch))} |
| result an image | ${each((report) => bytes(report.outputCiphertextBytes / report.batch))} |
| time, modelled, one core | ${each((report) => `${seconds((1000 * (report.modelledSeconds ?? NaN)) / report.batch)} an image`)} |
| server memory, measured | ${measured(run && bytes(Math.max(...run.images.map(({ peakBytes }) => peakBytes))))} (with the client in the same process) | ${measured(batch && bytes(batch.peakBytes))} |

## By size of the image

${sizeTable(records)}

## Beside others

Published figures, each with what differs; none was measured here.

| system | input | network | figures | what differs |
|---|---|---|---|---|
${neighbours.map((n) => `| ${n.system} | ${n.input} | ${n.network} | ${n.figures} | ${n.differs} |`).join('\n')}
`;
}

function imageText({ preprocessing: { size } }: Model): string {
  return `${size} × ${size} × 3`;
}

function accuracyRow(name: string, part: Scored): string {
  const area = withInterval(areaUnderCurve, part);
  const balanced = withInterval((sample) => rates(sample, threshold).balanced, part);
  const { melanomas, sensitivity, specificity } = rates(part, threshold);
  return `| ${[
    name,
    part.scores.length,
    melanomas,
    figure(area, (value) => value.toFixed(3)),
    figure(balanced, percent),
    percent(sensitivity),
    percent(specificity),
  ].join(' | ')} |`;
}

/** Each image set apart. */
function partRows(): string[] {
  const sources = [...new Set(scores.rows.map(({ source }) => source))].sort();
  return sources.map((source) =>
    accuracyRow(
      `against nevi, ${source}`,
      scored(scores, (row) => isTask(row) && row.source === source),
    ),
  );
}

function agreement({ run, images }: EncryptedRecord): string {
  const apart = images.map(({ encrypted, clear }) => Math.abs(sigmoid(encrypted) - sigmoid(clear)));
  const same = images.filter(
    ({ encrypted, clear }) => encrypted >= threshold === clear >= threshold,
  ).length;
  return `${images.length} images of the ${run.split} split, encrypted, evaluated on the ${run.backend} evaluator and decrypted: the class is that of the clear network on ${same} (${percent(same / images.length)}), probabilities differ by ${Math.max(...apart).toExponential(1)} at most.`;
}

function batchText(batch: ThroughputRecord): string {
  return `A batch of ${batch.images.toLocaleString('en')} images on the throughput plan took ${batch.evaluateSeconds.toFixed(0)} s of the server on ${batch.threads} threads (${batch.processorSeconds.toFixed(0)} s of processor time), ${bytes(batch.peakBytes)} of memory. ${batch.note} ${batch.differentImages.toLocaleString('en')} different images (${batch.split === 'samples' ? 'the samples' : `${batch.split} split`}), repeated to fill it; the class is that of the clear network on ${percent(batch.agreement)} of the batch, probabilities differ by ${batch.largestDifference.toExponential(1)} at most.`;
}

/** What `melanoma:sizes` measured, and what the networks trained for such images gave. */
function sizeTable(folder: string): string {
  const trained = `${batchSizeTable(folder)}

${trainedTable()}`;
  const sizes = jsonFiles(folder, 'size-').map(({ value }) => value as SizeRecord);
  if (sizes.length === 0) return `Not measured yet: \`npm run melanoma:sizes\`.\n\n${trained}`;
  const shown = <T>(value: T | null, text: (value: T) => string): string =>
    value === null ? '' : text(value);
  const rows = sizes.map((one) =>
    one.refused === null
      ? [
          `${one.size} × ${one.size} × 3`,
          shown(one.ringDegree, String),
          shown(one.evaluateSeconds, (value) => `${value.toFixed(2)} s`),
          shown(one.modelledSeconds, (value) => `${value.toFixed(2)} s`),
          shown(one.clientSeconds, (value) => `${value.toFixed(2)} s`),
          shown(one.keyBytes, bytes),
          shown(one.uploadBytes, bytes),
          shown(one.peakBytes, bytes),
        ]
      : [`${one.size} × ${one.size} × 3`, `no plan: ${one.refused}`, '', '', '', '', '', ''],
  );
  return `Networks of the same family with untrained weights, one image at a time, ${sizes.find(({ threads }) => threads !== null)?.threads ?? 0} threads; memory is that of compiler, client and server in one process.

| image | ring degree | server | modelled, one core | client | keys | upload | memory |
|---|---|---|---|---|---|---|---|
${rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}

${trained}`;
}

/** What `melanoma:batch-sizes` measured. */
function batchSizeTable(folder: string): string {
  const sizes = jsonFiles(folder, 'batch-').map(({ value }) => value as BatchSizeRecord);
  const measuredSizes = sizes.filter((one) => one.refused === null);
  const [first] = measuredSizes;
  if (first === undefined)
    return 'Batches by size are not measured yet: `npm run melanoma:batch-sizes`.';
  const rows = sizes.map((one) =>
    one.refused === null
      ? [
          `${one.size} × ${one.size} × 3`,
          `${one.evaluateSeconds.toFixed(0)} s`,
          Math.round((3600 * one.images) / one.evaluateSeconds).toLocaleString('en'),
          `${one.processorSeconds.toFixed(0)} s`,
          `${(one.modelledSeconds ?? NaN).toFixed(0)} s`,
          `${one.compileSeconds.toFixed(0)} s`,
          seconds((1000 * one.encryptSeconds * 3 * one.size ** 2) / one.images),
          bytes(one.keyBytes),
          bytes(one.uploadBytes / one.images),
          bytes(one.peakBytes),
          percentOf(one.largestDifference, one.largestLogit),
        ]
      : [`${one.size} × ${one.size} × 3`, `no plan: ${one.refused}`, ...Array<string>(9).fill('')],
  );
  return `The throughput plan of the same networks, ${first.images.toLocaleString('en')} images at a time, on ${first.threads} threads. Ciphertexts are read from disk; ${made(measuredSizes)}. The client's time is that of making a whole batch, memory the server's; the last column is the largest difference from a logit of the network in the clear, against the largest of them.

| image | a batch | images an hour | processor time | modelled, one core | compiled in | client, an image | keys | upload, an image | server memory | logits differ by |
|---|---|---|---|---|---|---|---|---|---|---|
${rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}`;
}

function percentOf(part: number, whole: number): string {
  return `${((100 * part) / whole).toPrecision(2)} %`;
}

/** Which of the batches were made whole. */
function made(sizes: readonly { readonly size: number; readonly distinct: number }[]): string {
  const parts = sizes.map(({ size, distinct }) => {
    const all = 3 * size ** 2;
    return `${distinct.toLocaleString('en')} of ${all.toLocaleString('en')}`;
  });
  return `${parts.join(', ')} of a batch were made, and read in turn`;
}

/** Figures of the trained networks by size, this network among them. */
function trainedTable(): string {
  const own = { ...record.validation, recipe: model.recipe, epochs: null };
  const entries: [number, Omit<TrainedSize, 'epochs'> & { readonly epochs: number | null }][] = [
    ...trainedSizes,
    [model.preprocessing.size, own],
  ];
  const rows = entries
    .sort(([a], [b]) => a - b)
    .map(([size, { recipe, epochs, nevus, all }]) => [
      `${size} × ${size} × 3`,
      epochs === null ? `\`${recipe}\`, this network` : `\`${recipe}\`, ${epochs} epochs`,
      ...[nevus, all].flatMap(({ auc, ba }) => [auc.toFixed(3), percent(ba)]),
    ]);
  return `Trained networks of this family, on the validation split: area under the curve and the best balanced accuracy against nevi and against everything else. What each learned from stands in [TRIES.md](TRIES.md).

| image | trained by | AUC, nevi | balanced accuracy, nevi | AUC, all | balanced accuracy, all |
|---|---|---|---|---|---|
${rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}`;
}

/** A page as the project formats its pages. */
async function writePage(name: string, page: string): Promise<void> {
  const file = path.join(here, name);
  const config = await prettier.resolveConfig(file);
  writeFileSync(file, await prettier.format(page, { ...config, filepath: file }));
}

/** The model card with the figures of the split between its marks. */
function filledCard(): string {
  const card = path.join(here, 'MODEL_CARD.md');
  const [start, end] = ['<!-- figures: written by results.ts -->', '<!-- end of figures -->'];
  const old = readFileSync(card, 'utf8');
  const [head, rest] = old.split(start);
  const tail = rest?.split(end)[1];
  if (head === undefined || tail === undefined) throw new Error(`${card} has lost its marks`);
  const diagnoses = [...new Set(scores.rows.map(({ diagnosis }) => diagnosis))].sort();
  const sources = [...new Set(scores.rows.map(({ source }) => source))].sort();
  const lines = diagnoses.flatMap((diagnosis) =>
    ['all', ...sources].flatMap((source) => {
      const part = scored(
        scores,
        (row) => row.diagnosis === diagnosis && (source === 'all' || row.source === source),
      );
      if (part.scores.length === 0) return [];
      const called = part.scores.filter((score) => score >= threshold).length;
      const right = diagnosis === 'mel' ? called : part.scores.length - called;
      return [
        `| ${diagnosis} | ${source} | ${part.scores.length} | ${called} | ${percent(right / part.scores.length)} |`,
      ];
    }),
  );
  const table = [
    `Images of the ${split} split by diagnosis and image set, at the threshold ${threshold.toFixed(3)} of the logit:`,
    '',
    '| diagnosis | image set | images | called melanoma | right |',
    '| --- | --- | --- | --- | --- |',
    ...lines,
    '',
    `Areas and intervals stand in [RESULTS.md](RESULTS.md).`,
  ];
  return `${head}${start}\n\n${table.join('\n')}\n\n${end}${tail}`;
}

function figure(
  { value, interval: [low, high] }: Figure,
  shown: (value: number) => string,
): string {
  return `${shown(value)} (${shown(low)}–${shown(high)})`;
}

function median(list: readonly number[]): number {
  return list.toSorted((a, b) => a - b)[list.length >> 1] ?? NaN;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function seconds(ms: number): string {
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  let [value, unit] = [count, 0];
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${value.toFixed(unit === 0 ? 0 : 1)} ${units[unit] ?? ''}`;
}
