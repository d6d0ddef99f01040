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

/** The probes of one target; those of several special primes run on the native evaluator alone. */
function layers(target: CompileOptions['target']): Probe[] {
  const of = (name: string, program: DefinedProgram, ringDegree: number, slow = false): Probe =>
    probe(`${name}, ${ringDegree}, ${target}`, program, { target, ringDegree }, slow);
  return [
    of('dense 64-64', dense([64, 64]), 8192),
    of('dense 256-64-10', dense([256, 64, 10]), 8192),
    of('dense 256-64-10', dense([256, 64, 10]), 16384),
    of('dense 512-32-16-16-10', dense([512, 32, 16, 16, 10]), 16384),
    of('dense 100-300-10', dense([100, 300, 10]), 16384),
    of('dense 64-64-64-64-64', dense([64, 64, 64, 64, 64]), 32768, true),
    of('convolution 1×16² to 6', convolution(1, 16, 6, 3, 1), 8192),
    of('convolution 4×16² to 8', convolution(4, 16, 8, 3, 1), 16384),
    of('convolution 8×12² to 16', convolution(8, 12, 16, 3, 2), 16384, true),
    of('convolution 8×24² to 24', convolution(8, 24, 24, 5, 2), 32768, true),
    of('squares 2', squares(2, 4096), 8192),
    of('squares 5', squares(5, 8192), 16384),
    of('squares 6', squares(6, 16384), 32768),
  ];
}

function batches(ringDegree: number): Probe[] {
  const of = (name: string, program: DefinedProgram): Probe =>
    probe(`batch ${name}, ${ringDegree}`, program, { objective: 'throughput', ringDegree });
  return [
    of('dense 64-16', dense([64, 16])),
    of('dense 128-32-10', dense([128, 32, 10])),
    of('convolution 1×8² to 4', convolution(1, 8, 4, 3, 1)),
  ];
}

export const probes: readonly Probe[] = [
  ...layers('portable'),
  ...layers('native'),
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
