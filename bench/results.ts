/**
 * Measure the evaluator and its peers, and write bench/RESULTS.md.
 *
 *   npm run bench:results                              everything, hours on a slow machine
 *   npm run bench:results -- --only native,node-seal   these; the others' figures stay
 *   npm run bench:results -- --subjects I,lola         one parameter set and one network
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
import type { Program } from './results/programs.ts';
import { serviceSection } from './results/service-section.ts';
import { runProgram } from './results/run-program.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const scratch = path.join(root, 'out/bench');
const page = path.join(root, 'bench/RESULTS.md');

function recordFile({ name, subject }: Program): string {
  return path.join(scratch, `${name}-${subject}.json`);
}

/** What perf sampled while the evaluator ran one network. */
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
    subjects: { type: 'string' },
    'slow-runs': { type: 'string', default: '7' },
    render: { type: 'boolean', default: false },
  },
});
const sets = readParameterSets(readFileSync(path.join(root, 'bench/peers/parameters.txt'), 'utf8'));
const all = programs({
  root,
  peerBuild: path.resolve(process.env['PEER_BUILD'] ?? path.join(root, 'out/peers')),
  scratch,
  sets: sets.map(({ name }) => name),
  slowRuns: Number(values['slow-runs']),
});
/** The chosen ones of an option's comma-separated list, all without it. */
function chooser(
  option: 'only' | 'subjects',
  known: ReadonlySet<string>,
): (name: string) => boolean {
  const chosen = values[option]?.split(',');
  const unknown = chosen?.find((name) => !known.has(name));
  if (unknown !== undefined) {
    throw new Error(`--${option} ${unknown}: there are ${Array.from(known).join(', ')}`);
  }
  return (name) => chosen?.includes(name) ?? true;
}
const isChosen = chooser('only', new Set(all.map(({ name }) => name)));
const isSubject = chooser('subjects', new Set(all.map(({ subject }) => subject)));
mkdirSync(scratch, { recursive: true });
// The first core serves interrupts on many machines.
const core = os.cpus().length - 1;
for (const program of values.render ? [] : all) {
  if (!isChosen(program.name) || !isSubject(program.subject)) continue;
  process.stderr.write(`${program.name} ${program.subject} …\n`);
  const record = await runProgram(program, core);
  writeFileSync(recordFile(program), `${JSON.stringify(record, null, 2)}\n`);
  if (record.unavailable !== undefined) process.stderr.write(`  ${record.unavailable}\n`);
}

const records = all
  .map(recordFile)
  .filter((file) => existsSync(file))
  .map((file) => JSON.parse(readFileSync(file, 'utf8')) as MeasurementRecord);
const measured = resultsPage({
  machine: thisMachine(),
  sets,
  records,
  profiles: networks.flatMap(readProfile),
});
// Another command measures the service; what it wrote stays.
const service = existsSync(page) ? serviceSection(readFileSync(page, 'utf8')) : '';
const text = service === '' ? measured : `${measured}\n${service}`;
const style = await prettier.resolveConfig(page);
writeFileSync(page, await prettier.format(text, { ...style, parser: 'markdown' }));
process.stderr.write(`${path.relative(process.cwd(), page)}\n`);
