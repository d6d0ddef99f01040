/**
 * `npm run models`: compile the ONNX files of other projects and write docs/models.md.
 *
 *   npm run models               every file, one process each
 *   npm run models -- mnist      files whose path contains a text; prints, writes nothing
 *
 * Needs the data folder (CIPHERLOOM_DATA names another than the default). Takes several minutes.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { peakResidentBytes } from '../bench/peak-memory.ts';
import { modelCases, modelFolder } from '../test/models/model-cases.ts';
import { modelsPage, stableCells } from '../test/models/models-page.ts';
import { runModel } from '../test/models/run-model.ts';
import type { ModelOutcome } from '../test/models/run-model.ts';

interface Measured {
  readonly outcome: ModelOutcome;
  readonly peakBytes: number;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { one: { type: 'string' } },
});
if (modelFolder === null) {
  console.error(
    'the folder of the models does not exist; CIPHERLOOM_DATA names another data folder',
  );
  process.exit(2);
}
const all = modelCases(modelFolder);
const one = all.find(({ file }) => file === values.one);
if (one !== undefined) {
  const outcome = await runModel(modelFolder, one);
  const peakBytes = peakResidentBytes();
  console.log(JSON.stringify({ outcome, peakBytes } satisfies Measured));
} else {
  const chosen = all.filter(
    ({ file }) => positionals.length === 0 || positionals.some((text) => file.includes(text)),
  );
  const outcomes = chosen.map(({ file }) => {
    const { outcome, peakBytes } = inOwnProcess(file);
    const seconds = outcome.compileSeconds.toFixed(1);
    const error = outcome.measured?.relative.toExponential(1) ?? '–';
    console.error(
      [
        ...stableCells(outcome),
        `${seconds} s`,
        `${Math.round(peakBytes / 2 ** 20)} MiB`,
        error,
      ].join('  '),
    );
    return outcome;
  });
  if (positionals.length === 0) {
    const page = path.join(import.meta.dirname, '../docs/models.md');
    const config = await resolveConfig(page);
    writeFileSync(page, await format(modelsPage(outcomes), { ...config, parser: 'markdown' }));
    console.log(`${outcomes.length} files in docs/models.md`);
  }
}

/** So that time and memory are those of one file. */
function inOwnProcess(file: string): Measured {
  const script = import.meta.filename;
  const limit = ['--max-old-space-size=7168'];
  const output = execFileSync(process.execPath, [...limit, script, '--one', file], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  return JSON.parse(output) as Measured;
}
