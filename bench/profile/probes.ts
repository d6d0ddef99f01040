/**
 * Small programs that a cost profile is measured with: together they use every kernel in many
 * proportions. None is a network that predictions are judged by.
 */
import { defineProgram } from '../../src/frontend/dsl/index.ts';
import type { Value } from '../../src/frontend/dsl/index.ts';
import type { DefinedProgram } from '../../src/frontend/dsl/define-program.ts';
import type { CompileOptions } from '../../src/passes/options.ts';

export interface Probe {
  readonly name: string;
  readonly program: DefinedProgram;
  readonly options: Partial<CompileOptions>;
  /** Whether it takes minutes on SEAL. */
  readonly slow?: boolean;
}

/** A matrix of weights that nothing skips. */
function matrix(rows: number, columns: number): number[][] {
  return Array.from({ length: rows }, (_, i) =>
    Array.from(
      { length: columns },
      (_, j) => Math.cos(1 + 3 * i + 7 * j + i * j) / Math.sqrt(rows),
    ),
  );
}

function kernel(maps: number, channels: number, size: number): number[][][][] {
  const n = channels * size * size;
  return Array.from({ length: maps }, (_, o) =>
    Array.from({ length: channels }, (_, c) =>
      Array.from({ length: size }, (_, y) =>
        Array.from({ length: size }, (_, x) => Math.cos(1 + o + 5 * c + 3 * y + 7 * x + o * x) / n),
      ),
    ),
  );
}

const range = [-1, 1] as const;

/** Dense layers of these sizes with squares between them. */
function dense(sizes: readonly number[]): DefinedProgram {
  return defineProgram('dense', ({ input }) => {
    let x: Value = input('x', [sizes[0] ?? 1], { range });
    sizes.slice(1).forEach((size, k) => {
      x = (k > 0 ? x.square() : x).dense(matrix(sizes[k] ?? 1, size));
    });
    return { y: x };
  });
}

/** A convolution, a square, a dense layer. */
function convolution(
  channels: number,
  side: number,
  maps: number,
  size: number,
  stride: number,
): DefinedProgram {
  return defineProgram('convolution', ({ input }) => {
    const x = input('x', [channels, side, side], { range });
    const y = x.conv2d(kernel(maps, channels, size), { padding: 'valid', stride }).square();
    const outputs = maps * (Math.floor((side - size) / stride) + 1) ** 2;
    return { y: y.reshape([outputs]).dense(matrix(outputs, 10)) };
  });
}

/** Squares one after the other. */
function squares(count: number, size: number): DefinedProgram {
  return defineProgram('squares', ({ input }) => {
    let x = input('x', [size], { range });
    for (let k = 0; k < count; k++) x = x.square();
    return { y: x };
  });
}

/** Sums and products of two inputs of several ciphertexts. */
function sums(size: number): DefinedProgram {
  return defineProgram('sums', ({ input }) => {
    const a = input('a', [size], { range });
    const b = input('b', [size], { range });
    return { y: a.add(b).mul(a.sub(b)).add(a) };
  });
}

const options = { precisionBits: 6, maxMemoryBytes: null } as const;

function probe(
  name: string,
  program: DefinedProgram,
  more: Partial<CompileOptions>,
  slow = false,
): Probe {
  return { name, program, options: { ...options, ...more }, slow };
}

interface Layers {
  readonly name: string;
  readonly program: DefinedProgram;
  readonly ringDegree: number;
  readonly levels: number;
  readonly slow?: boolean;
}

const layers: readonly Layers[] = [
  { name: 'dense 64-64', program: dense([64, 64]), ringDegree: 8192, levels: 1 },
  { name: 'dense 256-64-10', program: dense([256, 64, 10]), ringDegree: 8192, levels: 3 },
  { name: 'dense 256-64-10', program: dense([256, 64, 10]), ringDegree: 16384, levels: 3 },
  {
    name: 'dense 512-32-16-16-10',
    program: dense([512, 32, 16, 16, 10]),
    ringDegree: 16384,
    levels: 7,
  },
  { name: 'dense 100-300-10', program: dense([100, 300, 10]), ringDegree: 16384, levels: 3 },
  {
    name: 'dense 64-64-64-64-64',
    program: dense([64, 64, 64, 64, 64]),
    ringDegree: 32768,
    levels: 7,
    slow: true,
  },
  {
    name: 'convolution 1×16² to 6',
    program: convolution(1, 16, 6, 3, 1),
    ringDegree: 8192,
    levels: 3,
  },
  {
    name: 'convolution 4×16² to 8',
    program: convolution(4, 16, 8, 3, 1),
    ringDegree: 16384,
    levels: 3,
  },
  {
    name: 'convolution 8×12² to 16',
    program: convolution(8, 12, 16, 3, 2),
    ringDegree: 16384,
    levels: 3,
    slow: true,
  },
  {
    name: 'convolution 8×24² to 24',
    program: convolution(8, 24, 24, 5, 2),
    ringDegree: 32768,
    levels: 3,
    slow: true,
  },
  { name: 'squares 2', program: squares(2, 4096), ringDegree: 8192, levels: 2 },
  { name: 'squares 5', program: squares(5, 8192), ringDegree: 16384, levels: 5 },
  { name: 'squares 6', program: squares(6, 16384), ringDegree: 32768, levels: 6 },
];

/** With one special prime: what both evaluators run. */
function portable({ name, program, ringDegree, slow }: Layers): Probe {
  return probe(`${name}, ${ringDegree}, portable`, program, { ringDegree }, slow);
}

/**
 * With several special primes, which the native evaluator alone runs. Their sizes are given: the number
 * that a profile makes cheapest would depend on the one that is replaced.
 */
function hybrid({ name, program, ringDegree, levels }: Layers, specialPrimes: number): Probe {
  const data = ringDegree === 8192 ? 30 : 38;
  const primeBits = [
    ...Array.from({ length: levels + 1 }, (_, level) => (level === 0 ? data + 2 : data)),
    // Together 4 bits above the largest digit, and two for how primes are rounded.
    ...Array.from({ length: specialPrimes }, () => data + Math.ceil(8 / specialPrimes)),
  ];
  const more = { target: 'native', ringDegree, primeBits } as const;
  return probe(`${name}, ${ringDegree}, ${specialPrimes} special primes`, program, more);
}

function batches(ringDegree: number): Probe[] {
  const of = (name: string, program: DefinedProgram, slow = false): Probe =>
    probe(`batch ${name}, ${ringDegree}`, program, { objective: 'throughput', ringDegree }, slow);
  return [
    of('dense 64-16', dense([64, 16])),
    // Its time is that of the products with matrices: others read, relinearise and answer more.
    of('dense 256-512-8', dense([256, 512, 8]), true),
    of('dense 128-32-10', dense([128, 32, 10])),
    of('convolution 1×8² to 4', convolution(1, 8, 4, 3, 1)),
  ];
}

export const probes: readonly Probe[] = [
  ...layers.map(portable),
  ...layers.filter(({ levels }) => levels > 1).map((each) => hybrid(each, 2)),
  ...layers
    .filter(({ levels, ringDegree }) => levels > 2 && ringDegree > 8192)
    .map((each) => hybrid(each, 3)),
  probe('sums 65536, 8192', sums(65536), { ringDegree: 8192 }),
  probe('sums 65536, 16384', sums(65536), { ringDegree: 16384 }),
  ...batches(8192),
  ...batches(16384),
  // So many levels leave primes below 2^29, which take cheaper products with weights.
  probe('batch dense 96-32-24-10, 8192', dense([96, 32, 24, 10]), {
    objective: 'throughput',
    ringDegree: 8192,
    precisionBits: 2,
  }),
];

/** What load is cancelled with: rotations, measured beside every other program. */
export const referenceProbe = probe('reference', dense([128, 64]), { ringDegree: 8192 });

/** Inputs of a probe, the same in every run. */
export function probeInputs(
  inputs: readonly { readonly name: string; readonly shape: readonly number[] }[],
): Record<string, Float64Array<ArrayBuffer>> {
  return Object.fromEntries(
    inputs.map(({ name, shape }) => {
      const size = shape.reduce((product, extent) => product * extent, 1);
      return [name, Float64Array.from({ length: size }, (_, k) => Math.cos(k))];
    }),
  );
}
