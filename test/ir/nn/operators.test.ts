import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { elementCount } from '../../../src/layout/layout.ts';
import { opContext, typedOperation } from '../../../src/ir/build.ts';
import type { OpContext, Value } from '../../../src/ir/define-op.ts';
import { applyMap } from '../../../src/ir/linear-map.ts';
import { boundAffine } from '../../../src/ir/nn/linear.ts';
import { nnOps } from '../../../src/ir/nn/index.ts';
import { lookupOp } from '../../../src/ir/ops.ts';
import type { Operation } from '../../../src/ir/program.ts';
import { shapeOf } from '../../../src/ir/types.ts';
import type { Type } from '../../../src/ir/types.ts';
import { randomSource, randomValues } from '../../support/random.ts';
import { sampleOf, samples } from './operator-samples.ts';

const special = new Set(['nn.input', 'nn.linear']);
const names = nnOps.map((op) => op.name).filter((name) => !special.has(name));

interface Case {
  readonly operation: Operation;
  readonly types: readonly Type[];
  readonly values: readonly Value[];
  readonly context: OpContext;
}

/** A random use of an operator, with operands inside random ranges. */
function makeCase(name: string, seed: number): Case {
  const random = randomSource(seed);
  const { operands, attributes, constants } = sampleOf(name, random);
  const types: Type[] = [];
  const values: Value[] = [];
  for (const shape of operands) {
    const lo = Math.fround(-3 * random());
    const hi = Math.fround(lo + 4 * random());
    types.push({ kind: 'tensor', shape, range: { lo, hi, source: 'declared' } });
    const data = randomValues(random, elementCount(shape), lo, hi);
    // The ends belong to the range, and are where a wrong bound shows.
    if (random() < 0.5) data.forEach((_, n) => (data[n] = random() < 0.5 ? lo : hi));
    values.push({ kind: 'tensor', tensor: { shape, data } });
  }
  const ids = operands.map((_, k) => k);
  const operation = typedOperation(name, ids, attributes, types, constants, null, null);
  return { operation, types, values, context: opContext(constants, null, null) };
}

function resultOf({ operation, types, values, context }: Case): Float64Array {
  const value = lookupOp(operation.op).evaluate(values, types, operation.attributes, context);
  if (value.kind !== 'tensor') throw new Error('not a tensor');
  expect(value.tensor.shape).toEqual(shapeOf(operation.type));
  expect(value.tensor.data.length).toBe(elementCount(value.tensor.shape));
  return value.tensor.data;
}

const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });

test('every operator has samples', () => {
  expect(Object.keys(samples).sort()).toEqual([...names].sort());
});

test('the table is alphabetical by file, names are unique', () => {
  expect(nnOps.map((op) => op.name)).toEqual(nnOps.map((op) => op.name).sort());
  expect(new Set(nnOps.map((op) => op.name)).size).toBe(nnOps.length);
});

test('codes are frozen', () => {
  const codes = nnOps.map((op) => [op.code, op.name]).sort(([a], [b]) => Number(a) - Number(b));
  expect(codes.map(([code, name]) => `${code ?? ''} ${name ?? ''}`)).toEqual([
    '1 nn.input',
    '2 nn.identity',
    '3 nn.reshape',
    '4 nn.transpose',
    '5 nn.pad',
    '6 nn.concat',
    '7 nn.slice',
    '10 nn.conv',
    '11 nn.dense',
    '12 nn.batch-norm',
    '13 nn.average-pool',
    '14 nn.max-pool',
    '15 nn.reduce-mean',
    '20 nn.add',
    '21 nn.sub',
    '22 nn.mul',
    '23 nn.add-constant',
    '24 nn.scale',
    '25 nn.negate',
    '30 nn.polynomial',
    '31 nn.activation',
    '32 nn.composite',
    '40 nn.linear',
    '50 nn.softmax',
    '51 nn.log-softmax',
    '52 nn.arg-max',
    '53 nn.hardmax',
    '54 nn.arg-min',
    '55 nn.top-k',
  ]);
});

describe.each(names)('%s', (name) => {
  test('gives values of its type, inside its range', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const sampled = makeCase(name, seed);
        const data = resultOf(sampled);
        const range = sampled.operation.type.range;
        expect(range).not.toBeNull();
        const margin = 1e-12 * (1 + Math.max(Math.abs(range!.lo), Math.abs(range!.hi)));
        for (const value of data) {
          expect(value).toBeGreaterThanOrEqual(range!.lo - margin);
          expect(value).toBeLessThanOrEqual(range!.hi + margin);
        }
      }),
      { numRuns: 200 },
    );
  });
});

const linear = names.filter((name) => lookupOp(name).affine !== undefined);

describe.each(linear)('%s as an affine map', (name) => {
  test('equals its clear semantics', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const { operation, types, values, context } = makeCase(name, seed);
        const data = resultOf({ operation, types, values, context });
        const affine = lookupOp(name).affine!(types, operation.attributes, context);
        const sum = affine.bias === null ? new Float64Array(data.length) : affine.bias.slice();
        expect(sum.length).toBe(data.length);
        affine.maps.forEach((map, k) => {
          const value = values[k];
          if (value?.kind !== 'tensor') throw new Error('not a tensor');
          expect(map.inShape).toEqual(value.tensor.shape);
          expect(map.outShape).toEqual(shapeOf(operation.type));
          applyMap(map, value.tensor.data).forEach((part, n) => (sum[n] = sum[n]! + part));
        });
        sum.forEach((value, n) => {
          expect(value).toBeCloseTo(data[n]!, 9);
        });
      }),
      { numRuns: 200 },
    );
  });

  test('has the same interval bounds', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const { operation, types, context } = makeCase(name, seed);
        const [lo, hi] = boundAffine(
          types,
          lookupOp(name).affine!(types, operation.attributes, context),
        );
        // Never tighter than the matrix allows; equal but for pools and pads that bound all windows alike.
        expect(operation.type.range!.lo).toBeLessThanOrEqual(lo + 1e-9);
        expect(operation.type.range!.hi).toBeGreaterThanOrEqual(hi - 1e-9);
        if (['nn.conv', 'nn.dense', 'nn.batch-norm', 'nn.scale', 'nn.sub'].includes(name)) {
          expect(operation.type.range!.lo).toBeCloseTo(lo, 9);
          expect(operation.type.range!.hi).toBeCloseTo(hi, 9);
        }
      }),
      { numRuns: 100 },
    );
  });
});
