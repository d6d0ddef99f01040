import { describe, expect, it } from 'vitest';
import { ClearEngine } from '../../src/backend/clear/clear-engine.ts';
import { programSeconds } from '../../src/backend/cost/program-seconds.ts';
import { programWork } from '../../src/backend/cost/program-work.ts';
import { execute } from '../../src/backend/execute/execute.ts';
import { prepareProgram } from '../../src/backend/execute/prepare-program.ts';
import type { PreparedProgram } from '../../src/backend/execute/prepare-program.ts';
import { compileUntil } from '../../src/compile.ts';
import { defineProgram } from '../../src/frontend/dsl/index.ts';
import { programInputs } from '../../src/ir/ckks/program-inputs.ts';
import {
  decomposition,
  keyProducts,
  keySwitch,
  products,
  rescaling,
} from '../../src/passes/cost/operation-work.ts';
import { squaresNetwork } from '../support/squares-network.ts';
import { kernelNames, sumOfWork } from '../../src/passes/cost/work.ts';
import type { Kernel, Work } from '../../src/passes/cost/work.ts';
import type { CompileOptions } from '../../src/passes/options.ts';

type Value = ReturnType<ClearEngine['rotate']> extends Promise<infer V> ? V : never;

/** Counts the operations that the executor really asks for. */
class CountingEngine extends ClearEngine {
  readonly counted: Work[] = [];
  readonly #prepared: PreparedProgram;

  constructor(prepared: PreparedProgram) {
    super(prepared.program.modulus!);
    this.#prepared = prepared;
  }

  #size(x: Value) {
    const { ringDegree, specialPrimes } = this.#prepared.program.modulus!;
    const primes = this.formOf(x).level + 1;
    return { ringDegree, primes, specialPrimes: specialPrimes.length };
  }

  /** With a plaintext: of two polynomials, or of the three of a product. */
  #products(x: Value) {
    const size = this.#size(x);
    return products(size, (size.primes * this.formOf(x).size) / 2);
  }

  override rotate(x: Value, step: number) {
    this.counted.push(keySwitch(this.#size(x)));
    return super.rotate(x, step);
  }

  override relinearize(x: Value) {
    this.counted.push(keySwitch(this.#size(x)));
    return super.relinearize(x);
  }

  override rescale(x: Value) {
    this.counted.push(rescaling(this.#size(x)));
    return super.rescale(x);
  }

  override square(x: Value) {
    this.counted.push(products(this.#size(x), 1.5 * this.#size(x).primes));
    // Not super.square, which would be counted as a product too.
    return super.multiply(x, x);
  }

  override multiply(a: Value, b: Value) {
    this.counted.push(products(this.#size(a), 2 * this.#size(a).primes));
    return super.multiply(a, b);
  }

  override multiplyConstant(...args: Parameters<ClearEngine['multiplyConstant']>) {
    this.counted.push(this.#products(args[0]));
    return super.multiplyConstant(...args);
  }

  override multiplyAddInto(...args: Parameters<ClearEngine['multiplyAddInto']>) {
    this.counted.push(this.#products(args[1]));
    super.multiplyAddInto(...args);
  }
}

function weights(rows: number, columns: number): number[][] {
  return Array.from({ length: rows }, (_, i) =>
    Array.from({ length: columns }, (_, j) => Math.cos(i + 3 * j + 1) / rows),
  );
}

const network = defineProgram('network', ({ input }) => {
  const x = input('x', [100], { range: [-1, 1] });
  const hidden = x.dense(weights(100, 24));
  const product = hidden.square().mul(hidden);
  return { y: product.add(hidden).dense(weights(24, 10)) };
});

function prepare(options: Partial<CompileOptions>, source = network): PreparedProgram {
  const { program } = compileUntil(source, { options: { precisionBits: 6, ...options } });
  return prepareProgram(program);
}

describe('the work of a program', () => {
  it.each([
    [{}, network],
    [{ objective: 'throughput', ringDegree: 8192 }, network],
    // The last sums are relinearised, not the products.
    [{ packing: 'feature-major', batch: 16 }, squaresNetwork],
  ] as const)('is what the executor asks of SEAL, with %o', async (options, source) => {
    const prepared = prepare(options, source);
    const engine = new CountingEngine(prepared);
    const inputs = new Map(
      programInputs(prepared.program).map(({ name, value }) => {
        const { level, scale } = prepared.forms[value]!;
        return [name, () => engine.input(new Float64Array(prepared.slots).fill(0.5), level, scale)];
      }),
    );
    await execute(prepared, engine, inputs);
    const asked = sumOfWork(engine.counted.map((each) => [1, each]));
    const { run } = programWork(prepared, 'seal', Infinity);
    for (const kernel of ['transform', 'keyProduct', 'product'] satisfies Kernel[]) {
      expect(run[kernel], kernel).toBeCloseTo(asked[kernel], 3);
    }
    expect(asked.keyProduct).toBeGreaterThan(0);
  });

  it('encodes in the first run what is kept, in every run what is not', () => {
    const prepared = prepare({});
    const all = programWork(prepared, 'seal', Infinity);
    const none = programWork(prepared, 'seal', 0);
    expect(all.run.embed).toBe(0);
    expect(none.first.embed).toBe(0);
    expect(none.run.embed).toBe(all.first.embed);
    expect(all.first.embed).toBeGreaterThan(0);
  });

  it('has fewer transforms on the native evaluator, which shares decompositions', () => {
    const prepared = prepare({});
    const seal = programWork(prepared, 'seal', Infinity).run;
    const native = programWork(prepared, 'native', Infinity).run;
    expect(native.transform).toBeLessThan(0.8 * seal.transform);
    // Every rotation still meets its key.
    expect(native.keyProduct).toBe(seal.keyProduct);
  });

  it('counts the products with numbers of a batch one by one on SEAL alone', () => {
    const prepared = prepare({ packing: 'feature-major', batch: 16 }, squaresNetwork);
    const maps = [...prepared.linear.values()].filter(({ scalar }) => scalar);
    const products = maps.reduce((sum, { groups }) => sum + groups.count, 0);
    const outputs = maps.reduce((sum, { lastOfOutput }) => sum + lastOfOutput.length, 0);
    expect(products).toBeGreaterThan(outputs);
    const steps = (['seal', 'native'] as const).map((evaluator) => {
      return programWork(prepared, evaluator, Infinity).run.step;
    });
    expect(steps[0]! - steps[1]!).toBe(products - outputs);
  });

  it('decomposes for every rotation where the plan says so', () => {
    // Partial sums leave this network few rotations of one ciphertext.
    const linearMethod = 'diagonals';
    const hoisted = prepare({ linearMethod });
    const apart = prepare({ linearMethod, disable: ['hoist-rotations'] });
    const of = (prepared: PreparedProgram): number =>
      [...prepared.linear.values()].reduce((sum, { rotations }) => sum + rotations, 0);
    const transforms = [hoisted, apart].map((prepared) => {
      // One decomposition a rotation, were they all alone.
      return programWork(prepared, 'native', Infinity).run.transform / of(prepared);
    });
    expect(transforms[1]).toBeGreaterThan(1.1 * transforms[0]!);
  });

  it('is modelled for both evaluators, and for native alone where primes ask for it', async () => {
    const both = await programSeconds(prepare({}));
    expect(both.seal!.run).toBeGreaterThan(both.native.run);
    expect(both.native.first).toBeGreaterThan(both.native.run);
    const batch = await programSeconds(prepare({ objective: 'throughput', ringDegree: 8192 }));
    expect(batch.native.run).toBeGreaterThan(0);
    const primeBits = [40, 38, 38, 38, 38, 38, 42, 42];
    const several = prepare({ target: 'native', ringDegree: 32768, primeBits });
    expect(several.program.modulus!.specialPrimes.length).toBeGreaterThan(1);
    expect((await programSeconds(several)).seal).toBeNull();
  });
});

describe('a key switch', () => {
  it('is its parts, and each of them grows with primes', () => {
    for (let primes = 1; primes < 12; primes++) {
      for (const specialPrimes of [1, 2, 3]) {
        const size = { ringDegree: 8192, primes, specialPrimes };
        const whole = keySwitch(size);
        const parts = sumOfWork([
          [1, decomposition(size)],
          [1, keyProducts(size)],
        ]);
        const larger = keySwitch({ ...size, primes: primes + 1 });
        for (const kernel of kernelNames) {
          expect(whole[kernel]).toBeGreaterThanOrEqual(parts[kernel]);
          expect(larger[kernel]).toBeGreaterThanOrEqual(whole[kernel]);
        }
      }
    }
  });

  it('of one special prime transforms each digit to each other prime', () => {
    const { transform } = keySwitch({ ringDegree: 16384, primes: 8, specialPrimes: 1 });
    // 8 inverse, 8 · 9 − 8 forward; two polynomials of 9 divided.
    expect(transform / (16384 * 14)).toBe(8 + 8 * 9 - 8 + 2 * 9);
  });
});
