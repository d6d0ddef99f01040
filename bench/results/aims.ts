/** What the native evaluator is to reach, as ratios within one run, and whether it does. */
import type { Measurement } from './measurement.ts';
import { keyBudgets } from './programs.ts';

interface Operand {
  readonly library: string;
  /** Any kernel of the library, when not given. */
  readonly kernel?: string;
  readonly set?: string;
  readonly network?: string;
  readonly operation: string;
  readonly threads?: number;
  /** Of plans that every evaluator runs, when not given. */
  readonly target?: 'native';
  /** What is compared: the median time, when not given. */
  readonly figure?: 'keyBytes' | 'residentKeyBytes';
}

/**
 * On which processors an aim holds: all; those with AVX-512 IFMA, for which the number was chosen; or
 * those alone because the other side computes with something else elsewhere; or those that had two
 * cores for two threads at the time: virtual ones may be threads of one core, or shared with others.
 */
type Reach = 'all' | 'chosen for AVX-512' | 'AVX-512 alone' | 'two cores';

export interface Aim {
  readonly text: string;
  readonly ours: Operand;
  readonly other: Operand;
  /** Their time over ours is at least so much, or ours over theirs at most so much. */
  readonly bound: { readonly atLeast: number } | { readonly atMost: number };
  readonly reach: Reach;
}

export type Verdict = 'met' | 'not met' | 'not measurable here' | 'not measured';

export interface Judged {
  readonly aim: Aim;
  /** Theirs over ours or ours over theirs, as the bound has it. */
  readonly ratio: number | undefined;
  /** What our threads had of the processors, where there are several. */
  readonly processorScaling: number | undefined;
  readonly verdict: Verdict;
}

const library = 'cipherloom';
const onSetI = (operation: string): Operand => ({ library, set: 'I', operation });

/** node-seal cannot hoist: its side of a hoisted rotation is a rotation. */
function againstNodeSeal(
  operation: string,
  atLeast: number,
  options: { readonly reach?: Reach; readonly theirs?: string; readonly kernel?: string } = {},
): Aim {
  const { reach = 'chosen for AVX-512', theirs = operation, kernel } = options;
  return {
    text: `${operation}${kernel === undefined ? '' : `, ${kernel} kernel`}, against ${theirs === operation ? '' : `${theirs} of `}node-seal`,
    other: { library: 'node-seal', set: 'I', operation: theirs },
    ours: { ...onSetI(operation), ...(kernel === undefined ? {} : { kernel }) },
    bound: { atLeast },
    reach,
  };
}

function onNetwork(network: string, against: string, atLeast: number): Aim {
  const operand = (side: string): Operand => ({
    library: side,
    network,
    operation: 'evaluate',
    threads: 1,
  });
  return {
    text: `${network}, one thread, against ${against}`,
    other: operand(against),
    ours: operand(library),
    bound: { atLeast },
    reach: 'chosen for AVX-512',
  };
}

const onNative = { library, operation: 'evaluate', threads: 1, target: 'native' } as const;

/** A network compiled for the native evaluator against Orion v2, which keeps keys as it is sent them. */
function againstOrion(network: string): Aim[] {
  const ours = { ...onNative, network };
  const other = { library: 'Orion v2', network, operation: 'evaluate', threads: 1 };
  const budget = keyBudgets[network];
  const options =
    budget === undefined ? '--target native' : `--target native --max-key-bytes ${budget}`;
  const text = `${network}, ${options}, against Orion v2`;
  const aim = (what: string, atLeast: number, reach: Reach, figure?: Operand['figure']): Aim => ({
    text: `${text}: ${what}`,
    ours: figure === undefined ? ours : { ...ours, figure },
    other: figure === undefined ? other : { ...other, figure: 'keyBytes' },
    bound: { atLeast },
    reach,
  });
  return [
    aim('time, one thread', 10, 'chosen for AVX-512'),
    aim('bytes of keys in memory', 4, 'all', 'residentKeyBytes'),
    aim('bytes of keys sent', 8, 'all', 'keyBytes'),
  ];
}

export const aims: readonly Aim[] = [
  againstNodeSeal('rotate', 12),
  {
    ...againstNodeSeal('rotate', 4, { reach: 'all' }),
    text: 'rotate, against node-seal, with AVX2 alone',
  },
  againstNodeSeal('rotate hoisted', 25, { theirs: 'rotate' }),
  againstNodeSeal('multiply and relinearise', 12),
  againstNodeSeal('rescale', 10),
  againstNodeSeal('multiply plain and accumulate', 10),
  ...['rotate', 'multiply and relinearise', 'rescale'].map((operation) =>
    againstNodeSeal(operation, 2, { reach: 'all', kernel: 'scalar' }),
  ),
  {
    text: 'ntt forward, over that of HEXL',
    other: { library: 'SEAL + HEXL', set: 'I', operation: 'ntt forward' },
    ours: onSetI('ntt forward'),
    bound: { atMost: 1.1 },
    reach: 'AVX-512 alone',
  },
  {
    text: 'rotate, over its floor',
    other: { library: 'floor', set: 'I', operation: 'rotate' },
    ours: onSetI('rotate'),
    bound: { atMost: 1.5 },
    reach: 'all',
  },
  {
    text: 'rotate, against SEAL + HEXL',
    other: { library: 'SEAL + HEXL', set: 'I', operation: 'rotate' },
    ours: onSetI('rotate'),
    bound: { atLeast: 2.4 },
    reach: 'AVX-512 alone',
  },
  ...['lola', 'lenet'].flatMap((network) => [
    onNetwork(network, 'node-seal', 15),
    onNetwork(network, 'Orion v2', 4),
  ]),
  ...['mlp', 'lola', 'lenet'].flatMap(againstOrion),
  {
    text: 'tenseal, --target native, one thread, against TenSEAL',
    ours: { ...onNative, network: 'tenseal' },
    other: { library: 'TenSEAL', network: 'tenseal', operation: 'evaluate' },
    bound: { atLeast: 25 },
    reach: 'chosen for AVX-512',
  },
  {
    text: 'lenet, two threads, against one thread',
    other: { library, network: 'lenet', operation: 'evaluate, wall clock', threads: 1 },
    ours: { library, network: 'lenet', operation: 'evaluate, wall clock', threads: 2 },
    bound: { atLeast: 1.7 },
    reach: 'two cores',
  },
];

/** The fastest of the measurements that match: of several kernels, the one that runs by default. */
function find(measurements: readonly Measurement[], operand: Operand): Measurement | undefined {
  const { library, kernel, set, network, operation, threads, target } = operand;
  let best: Measurement | undefined;
  for (const line of measurements) {
    const same =
      line.library === library &&
      line.operation === operation &&
      line.set === set &&
      line.network === network &&
      line.target === target &&
      (kernel === undefined || line.kernel === kernel) &&
      (threads === undefined || (line.threads ?? 1) === threads);
    if (same && (best === undefined || line.median < best.median)) best = line;
  }
  return best;
}

/** Two threads that have less of the processors together are not on two cores. */
const twoCores = 1.9;

function verdictOf(
  { bound, reach }: Aim,
  ratio: number,
  hasAvx512: boolean,
  processorScaling: number,
): Verdict {
  if (reach === 'AVX-512 alone' && !hasAvx512) return 'not measurable here';
  if ('atLeast' in bound ? ratio >= bound.atLeast : ratio <= bound.atMost) return 'met';
  if (reach === 'two cores' && processorScaling < twoCores) return 'not measurable here';
  return reach === 'chosen for AVX-512' && !hasAvx512 ? 'not measurable here' : 'not met';
}

/** Hold the aims against measurements of a machine with or without AVX-512 IFMA. */
export function judge(measurements: readonly Measurement[], hasAvx512: boolean): readonly Judged[] {
  return aims.map((aim) => {
    const ours = find(measurements, aim.ours);
    const processorScaling = ours?.processorScaling;
    const own = ours?.[aim.ours.figure ?? 'median'];
    const other = find(measurements, aim.other)?.[aim.other.figure ?? 'median'];
    if (own === undefined || other === undefined) {
      return { aim, ratio: undefined, processorScaling, verdict: 'not measured' };
    }
    const ratio = 'atLeast' in aim.bound ? other / own : own / other;
    const verdict = verdictOf(aim, ratio, hasAvx512, processorScaling ?? Infinity);
    return { aim, ratio, processorScaling, verdict };
  });
}
