/** RESULTS.md from what was measured. */
import { table } from '../../scripts/docs/table.ts';
import { judge } from './aims.ts';
import type { Judged } from './aims.ts';
import type { Machine } from './machine.ts';
import { sideOf } from './measurement.ts';
import type { Measurement } from './measurement.ts';
import type { ParameterSet } from './parameter-sets.ts';
import type { NetworkProfile } from './profile.ts';

/** One program's figures, or why there are none. */
export interface MeasurementRecord {
  readonly name: string;
  /** Parameter set or network. */
  readonly subject: string;
  /** ISO date and time at its end. */
  readonly date: string;
  /** Load of the machine (processes that want a core, mean of a minute) before and after. */
  readonly load: readonly [number, number];
  readonly measurements: readonly Measurement[];
  readonly unavailable?: string;
}

export interface Results {
  readonly machine: Machine;
  readonly sets: readonly ParameterSet[];
  readonly records: readonly MeasurementRecord[];
  readonly profiles: readonly NetworkProfile[];
}

const ours = 'cipherloom';
/** Not a library: what a rotation takes at least. */
const floor = 'floor';

/** Sides from left to right; others follow in the order of their appearance. */
const sides = [
  ours,
  'node-seal',
  'SEAL',
  'SEAL + HEXL',
  'Lattigo',
  'OpenFHE',
  'Orion v2',
  'TenSEAL',
];

/** Three digits, or all of those before the point. */
function digits(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
}

/** Ours first, its fastest kernel first of all. */
function sortedSides(lines: readonly Measurement[]): readonly string[] {
  const rank = (line: Measurement): number => {
    const at = sides.indexOf(line.library);
    return at < 0 ? sides.length : at;
  };
  const total = new Map<string, number>();
  for (const line of lines) {
    total.set(sideOf(line), (total.get(sideOf(line)) ?? 0) + line.median);
  }
  const first = new Map(lines.map((line) => [sideOf(line), rank(line)]));
  return Array.from(total.keys()).sort(
    (a, b) =>
      (first.get(a) ?? 0) - (first.get(b) ?? 0) || (total.get(a) ?? 0) - (total.get(b) ?? 0),
  );
}

function primitivesOf(set: ParameterSet, measurements: readonly Measurement[]): string[] {
  const ofSet = measurements.filter((line) => line.set === set.name);
  const lines = ofSet.filter(({ library }) => library !== floor);
  if (lines.length === 0) return [];
  const columns = sortedSides(lines);
  const find = (side: string, operation: string): Measurement | undefined =>
    lines.find((line) => sideOf(line) === side && line.operation === operation);
  const [reference] = columns;
  const rows = Array.from(new Set(lines.map(({ operation }) => operation)), (operation) => [
    operation,
    ...columns.map((side) => {
      const line = find(side, operation);
      if (line === undefined) return '–';
      const own = reference?.startsWith(ours) === true ? find(reference, operation) : undefined;
      const ratio =
        own === undefined || own === line ? '' : ` (${digits(line.median / own.median)}×)`;
      return `${digits(line.median)} / ${digits(line.min)}${ratio}`;
    }),
  ]);
  const floors = ofSet
    .filter(({ library }) => library === floor)
    .map(({ kernel = '', median }) => `${digits(median)} µs (${kernel})`);
  const { name, ringDegree, primes, primeBits, specialBits } = set;
  return [
    `### Set ${name}: N = ${ringDegree}, ${primes} primes of ${primeBits} bits, special prime of ${specialBits} bits`,
    '',
    table(['µs, median / least (times ours)', ...columns], rows),
    '',
    ...(floors.length === 0
      ? []
      : [
          `Floor of a rotation, from the measured transforms and the bandwidth of memory: ${floors.join(', ')}.`,
          '',
        ]),
  ];
}

function networksOf(measurements: readonly Measurement[]): string[] {
  const lines = measurements.filter((line) => line.network !== undefined);
  if (lines.length === 0) return ['None measured.', ''];
  const fastest = (network: string | undefined): Measurement | undefined =>
    lines
      .filter(
        (line) =>
          line.library === ours &&
          line.network === network &&
          line.target === undefined &&
          line.operation === 'evaluate',
      )
      .filter((line) => (line.threads ?? 1) === 1)
      .sort((a, b) => a.median - b.median)[0];
  const rows = lines.map((line) => {
    const own = line.operation === 'evaluate' ? fastest(line.network) : undefined;
    const mib = line.keyBytes === undefined ? '–' : `${digits(line.keyBytes / 2 ** 20)} MiB`;
    return [
      line.network ?? '',
      `${sideOf(line)}${line.note === undefined ? '' : ` (${line.note})`}`,
      line.operation,
      String(line.threads ?? 1),
      (line.median / 1e6).toPrecision(3),
      (line.min / 1e6).toPrecision(3),
      own === undefined || own === line ? '–' : `${digits(line.median / own.median)}×`,
      line.ringDegree === undefined ? '–' : String(line.ringDegree),
      line.logQP === undefined ? '–' : String(Math.round(line.logQP)),
      line.rotationKeys === undefined ? mib : `${mib}, ${line.rotationKeys} rotations`,
      line.residentKeyBytes === undefined ? '–' : `${digits(line.residentKeyBytes / 2 ** 20)} MiB`,
      String(line.runs),
    ];
  });
  const head = ['network', 'evaluator', 'operation', 'threads', 'median, s', 'least, s'];
  head.push('times ours', 'N', 'log2 QP', 'keys', 'keys in memory', 'runs');
  return [table(head, rows), ''];
}

function aimsOf(measurements: readonly Measurement[], machine: Machine): string[] {
  const reasonOf = ({ aim, processorScaling }: Judged): string =>
    aim.reach === 'two cores'
      ? ` (two threads had ${processorScaling ?? '–'} of what one has of the processors)`
      : ' (no AVX-512)';
  const rows = judge(measurements, machine.hasAvx512).map((judged) => {
    const { aim, ratio, verdict } = judged;
    return [
      aim.text,
      'atLeast' in aim.bound
        ? `at least ${digits(aim.bound.atLeast)}×`
        : `at most ${digits(aim.bound.atMost)}×`,
      ratio === undefined ? '–' : `${digits(ratio)}×`,
      verdict === 'not measurable here' ? verdict + reasonOf(judged) : verdict,
    ];
  });
  return [table(['aim', 'bound', 'measured', 'verdict'], rows), ''];
}

function profilesOf(profiles: readonly NetworkProfile[]): string[] {
  if (profiles.length === 0) return ['No profile was taken.', ''];
  const activities = new Set(
    profiles.flatMap(({ shares }) => shares.map(({ activity }) => activity)),
  );
  const rows = Array.from(activities, (activity) => [
    activity,
    ...profiles.map(({ shares }) => {
      const share = shares.find((one) => one.activity === activity)?.share;
      return share === undefined ? '–' : `${(share * 100).toFixed(1)} %`;
    }),
  ]);
  const head = profiles.map(({ network, samples }) => `${network} (${samples} samples)`);
  return [table(['share of the evaluator’s time', ...head], rows), ''];
}

function machineOf(machine: Machine): string {
  const { processor, cores, memoryBytes, vectors, caches, system, tools } = machine;
  return table(
    ['', ''],
    [
      ['processor', `${processor}, ${cores} cores`],
      ['vector instructions', vectors.join(', ')],
      ['caches', caches.join(', ')],
      ['memory', `${digits(memoryBytes / 2 ** 30)} GiB`],
      ['system', system],
      ['tools', tools.join('; ')],
    ],
  );
}

function versionsOf(records: readonly MeasurementRecord[]): string[] {
  const rows = records.flatMap(({ measurements, date, load, unavailable, name, subject }) => {
    const when = [date.slice(0, 16).replace('T', ' '), load.map((l) => l.toFixed(1)).join(' → ')];
    if (unavailable !== undefined) return [[name, '–', subject, `no: ${unavailable}`, ...when]];
    const libraries = measurements.filter(({ library }) => library !== floor);
    const versions = new Map(libraries.map((line) => [line.library, line.version]));
    return Array.from(versions, ([side, version]) => [side, version, subject, 'yes', ...when]);
  });
  const head = ['library', 'version', 'set or network', 'measured', 'date, UTC'];
  return [table([...head, 'load before → after'], rows), ''];
}

/** The whole page; the same results always give the same text. */
export function resultsPage({ machine, sets, records, profiles }: Results): string {
  const measurements = records.flatMap((record) => record.measurements);
  return [
    '# Results',
    '',
    '`npm run bench:results` measures and writes this page; `CONTRIBUTING.md` says how.',
    '',
    'One thread, pinned to a core, unless a line says otherwise. A time is processor time: 21 runs after 2 to warm up. Ratios',
    'count; the times of a shared machine vary by up to a half between runs of one program.',
    '',
    machineOf(machine),
    '',
    ...versionsOf(records),
    '## Aims',
    '',
    'Ratios of medians. The numbers were chosen for processors with AVX-512 IFMA; without it, an aim that is not reached counts as',
    'not measurable, and so does every comparison with HEXL, which has no other vector kernels.',
    '',
    ...aimsOf(measurements, machine),
    '## Primitives',
    '',
    'What the operations are, and what a library lacks: `bench/peers/README.md`.',
    '',
    ...sets.flatMap((set) => primitivesOf(set, measurements)),
    '## Networks',
    '',
    'One image of `examples/mnist` an evaluation, keys and model loaded before. Orion v2 has the same shapes.',
    '',
    ...networksOf(measurements),
    '## Where the time goes',
    '',
    'Samples of `perf` while the native evaluator runs one thread, by function. Products with keys read the evaluation keys: their time',
    'is the bandwidth of memory where keys are larger than the last-level cache.',
    '',
    ...profilesOf(profiles),
  ].join('\n');
}
