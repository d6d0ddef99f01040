/**
 * Measure the optimisation strategies on the MNIST networks, and write STUDY.md.
 *
 *   npm run study:mnist                        everything: hours; goes on where it was interrupted
 *   npm run study:mnist -- --quick             two networks, few images
 *   npm run study:mnist -- --only lola,mlp     cells whose names contain one of these words
 *   npm run study:mnist -- --again --only lola.packing   measure these again
 *   npm run study:mnist -- --list              name the cells, measure nothing
 *   npm run study:mnist -- --predict           compile those that were measured again, and take the
 *                                              estimates where keys, sizes and parameters are the same
 *   npm run study:mnist -- --render            only write the page again
 *
 * Figures are kept in out/study, one file a cell. --data DIR names the folder of the MNIST files (by
 * default $CIPHERLOOM_DATA/mnist, else ../shared/data/mnist); without them the images beside the
 * networks are used. --out DIR writes the page and its plots elsewhere, --memory-gb N refuses plans
 * that are predicted to take more (by default three quarters of the memory), --limit-seconds N ends a
 * command.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as prettier from 'prettier';
import { thisMachine } from '../../bench/results/machine.ts';
import { packageVersion } from '../../bench/results/package-version.ts';
import { networks, cellsOf, imagesMeasured, selectCells } from './study/cells.ts';
import type { Cell } from './study/cells.ts';
import { executionSeconds } from './study/figures.ts';
import type { Result } from './study/figures.ts';
import { writeImages } from './study/images.ts';
import { compileCell, runCell } from './study/measure.ts';
import type { Place } from './study/measure.ts';
import { seconds, studyPage } from './study/page.ts';
import { plotsOf } from './study/plots.ts';
import { doesSameWork, RecordStore } from './study/record.ts';
import type { CellRecord } from './study/record.ts';

const examples = fileURLToPath(new URL('.', import.meta.url));
const root = path.join(examples, '../..');
const records = path.join(root, 'out/study');

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    again: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    render: { type: 'boolean', default: false },
    predict: { type: 'boolean', default: false },
    data: { type: 'string' },
    out: { type: 'string', default: examples },
    'memory-gb': { type: 'string' },
    'limit-seconds': { type: 'string', default: '3600' },
  },
});
const given = process.env['CIPHERLOOM_DATA'];
const data = values.data ?? path.join(given ?? path.join(root, '../shared/data'), 'mnist');
const memoryGb = values['memory-gb'];
const place: Place = {
  root,
  examples,
  scratch: path.join(records, 'scratch'),
  memoryBytes: memoryGb === undefined ? os.totalmem() * 0.75 : Number(memoryGb) * 1e9,
  limitSeconds: Number(values['limit-seconds']),
};
if (!(place.memoryBytes > 0) || !(place.limitSeconds > 0)) {
  throw new Error('--memory-gb and --limit-seconds take numbers above zero');
}
const only = values.only.split(',').filter((word) => word !== '');
const cells = selectCells({ only, quick: values.quick });
if (cells.length === 0) throw new Error(`no cell contains ${values.only}: --list names them`);

/** The figures of a cell: those of an equal plan where one was measured already. */
async function measure(cell: Cell, store: RecordStore): Promise<CellRecord> {
  const base = cell.relativeTo === null ? undefined : store.get(cell.relativeTo.id);
  if (cell.relativeTo !== null && base?.status !== 'measured') {
    const message = `${cell.relativeTo.id} was not measured`;
    return { status: 'refused', id: cell.id, commands: [], code: 'NO_BASE', message };
  }
  const plan = await compileCell(place, cell, base?.status === 'measured' ? base.figures : null);
  if ('status' in plan) return plan;
  const needed = imagesMeasured(cell, plan.figures.batch ?? cell.batch);
  const equal = store
    .all()
    .find(
      (record) =>
        record.status === 'measured' &&
        record.id !== cell.id &&
        record.sameAs === null &&
        record.figures.planHash === plan.figures.planHash &&
        record.measurement.threads === cell.threads &&
        record.measurement.images >= Math.min(needed, images.count),
    );
  if (equal?.status === 'measured') {
    return { ...equal, id: cell.id, commands: [...plan.commands], sameAs: equal.id };
  }
  return runCell(place, { ...cell, images: needed }, plan, images);
}

/** A record with the estimates that its plan has now; null where the plan is another one now. */
async function predictAgain(cell: Cell, store: RecordStore): Promise<CellRecord | null> {
  const record = store.get(cell.id);
  if (record?.status !== 'measured') return null;
  const base = cell.relativeTo === null ? undefined : store.get(cell.relativeTo.id);
  const plan = await compileCell(place, cell, base?.status === 'measured' ? base.figures : null);
  if ('status' in plan || !doesSameWork(plan.figures, record.figures)) return null;
  return { ...record, figures: plan.figures };
}

/** Whether a cell has a record; one of a quick study has fewer images, and is measured again. */
function isDone(cell: Cell, store: RecordStore): boolean {
  const record = store.get(cell.id);
  if (record === undefined) return false;
  if (record.status === 'refused') return true;
  return record.measurement.images >= imagesMeasured(cell, record.figures.batch ?? cell.batch);
}

function resultText(record: CellRecord): string {
  if (record.status === 'refused') return `${record.code}: ${record.message}`;
  const same = record.sameAs === null ? '' : `, the plan of ${record.sameAs}`;
  return `${seconds(executionSeconds(record))}${same}`;
}

if (values.list) {
  for (const cell of cells) console.log(`${cell.id}: ${cell.label}, ${cell.images} images`);
  process.exit(0);
}
const store = new RecordStore(records);
mkdirSync(place.scratch, { recursive: true });
const images = writeImages(Math.max(...cells.map((cell) => cell.images)), {
  data,
  examples,
  folder: place.scratch,
});
for (const [k, cell] of cells.entries()) {
  if (values.predict) {
    const record = await predictAgain(cell, store);
    if (record !== null) store.put(record);
    else if (store.get(cell.id)?.status === 'measured')
      console.error(`${cell.id}: another plan now`);
    continue;
  }
  if (values.render || (isDone(cell, store) && !values.again)) continue;
  const at = `[${k + 1}/${cells.length}] ${cell.id}`;
  console.error(`${at} …`);
  const record = await measure(cell, store);
  store.put(record);
  console.error(`${at}: ${resultText(record)}`);
}

const all = networks.flatMap(cellsOf);
const results = all.flatMap((cell): Result[] => {
  const record = store.get(cell.id);
  return record === undefined ? [] : [{ cell, record }];
});
const page = studyPage(results, {
  machine: thisMachine(),
  version: packageVersion('cipherloom'),
  images: images.name,
  missing: all.filter(({ id }) => store.get(id) === undefined),
});
const folder = path.resolve(values.out);
mkdirSync(path.join(folder, 'study/plots'), { recursive: true });
for (const [name, svg] of await plotsOf(results)) {
  writeFileSync(path.join(folder, 'study/plots', name), svg);
}
const file = path.join(folder, 'STUDY.md');
const style = await prettier.resolveConfig(path.join(root, 'README.md'));
writeFileSync(file, await prettier.format(page, { ...style, parser: 'markdown' }));
console.error(`${file}: ${results.length} of ${all.length} cells`);
