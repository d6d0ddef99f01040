/**
 * Measure the evaluator and its peers, and write bench/RESULTS.md.
 *
 *   npm run bench:results                              everything, hours on a slow machine
 *   npm run bench:results -- --only native,node-seal   these; the others' figures stay
 *   npm run bench:results -- --sets I                  one parameter set of the primitives
 *   npm run bench:results -- --render                  only write the page again
 *
 * Figures are kept in out/bench, one file a program; peers are built in out/peers, or in
 * $PEER_BUILD. See bench/peers/README.md.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as prettier from 'prettier';
import { thisMachine } from './results/machine.ts';
import { resultsPage } from './results/page.ts';
import type { MeasurementRecord } from './results/page.ts';
import { readParameterSets } from './results/parameter-sets.ts';
import { profileOf } from './results/profile.ts';
import type { NetworkProfile } from './results/profile.ts';
import { networks, profileFile, programs } from './results/programs.ts';
import { runProgram } from './results/run-program.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const scratch = path.join(root, 'out/bench');
const page = path.join(root, 'bench/RESULTS.md');

function recordFile(name: string): string {
  return path.join(scratch, `${name}.json`);
}

/** Samples of the addon alone: the rest is reading and writing requests, in JavaScript. */
function readProfile(network: string): NetworkProfile[] {
  const file = profileFile(scratch, network);
  if (!existsSync(file)) return [];
  const args = ['report', '-i', file, '--stdio', '--no-demangle', '-F', 'sample,symbol'];
  const report = execFileSync('perf', args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 2 ** 28,
  });
  return [profileOf(network, report)];
}

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    sets: { type: 'string' },
    'slow-runs': { type: 'string', default: '7' },
    render: { type: 'boolean', default: false },
  },
});
const sets = readParameterSets(readFileSync(path.join(root, 'bench/peers/parameters.txt'), 'utf8'));
const all = programs({
  root,
  peerBuild: path.resolve(process.env['PEER_BUILD'] ?? path.join(root, 'out/peers')),
  scratch,
  sets: values.sets?.split(',') ?? sets.map(({ name }) => name),
  slowRuns: Number(values['slow-runs']),
});
const only = values.only?.split(',');
const unknown = only?.find((name) => all.every((program) => program.name !== name));
if (unknown !== undefined) {
  throw new Error(`--only ${unknown}: there are ${all.map(({ name }) => name).join(', ')}`);
}
mkdirSync(scratch, { recursive: true });
// The first core serves interrupts on many machines.
const core = os.cpus().length - 1;
for (const program of values.render ? [] : all) {
  if (only?.includes(program.name) === false) continue;
  process.stderr.write(`${program.name} …\n`);
  const record = await runProgram(program, core);
  writeFileSync(recordFile(program.name), `${JSON.stringify(record, null, 2)}\n`);
  if (record.unavailable !== undefined) process.stderr.write(`  ${record.unavailable}\n`);
}

const records = all
  .map(({ name }) => recordFile(name))
  .filter((file) => existsSync(file))
  .map((file) => JSON.parse(readFileSync(file, 'utf8')) as MeasurementRecord);
const text = resultsPage({
  machine: thisMachine(),
  sets,
  records,
  profiles: networks.flatMap(readProfile),
});
const style = await prettier.resolveConfig(page);
writeFileSync(page, await prettier.format(text, { ...style, parser: 'markdown' }));
process.stderr.write(`${path.relative(process.cwd(), page)}\n`);
