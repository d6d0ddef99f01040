/** Numbers of operators stand in plans: what is listed here never changes, new ones are added. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ops } from '../../src/ir/ops.ts';

const frozen = {
  'nn.activation': 31,
  'nn.composite': 32,
  'nn.hardmax': 53,
  'nn.arg-min': 54,
  'nn.top-k': 55,
  'nn.add': 20,
  'nn.add-constant': 23,
  'nn.arg-max': 52,
  'nn.average-pool': 13,
  'nn.batch-norm': 12,
  'nn.concat': 6,
  'nn.conv': 10,
  'nn.dense': 11,
  'nn.identity': 2,
  'nn.input': 1,
  'nn.linear': 40,
  'nn.log-softmax': 51,
  'nn.max-pool': 14,
  'nn.mul': 22,
  'nn.negate': 25,
  'nn.pad': 5,
  'nn.polynomial': 30,
  'nn.reduce-mean': 15,
  'nn.reshape': 3,
  'nn.scale': 24,
  'nn.slice': 7,
  'nn.softmax': 50,
  'nn.sub': 21,
  'nn.transpose': 4,
  'packed.add': 103,
  'packed.add-public': 107,
  'packed.input': 101,
  'packed.linear': 102,
  'packed.mul': 105,
  'packed.multiply-public': 108,
  'packed.polynomial': 106,
  'packed.sub': 104,
  'ckks.add': 203,
  'ckks.add-constant': 210,
  'ckks.add-public': 212,
  'ckks.input': 201,
  'ckks.level-drop': 209,
  'ckks.linear': 202,
  'ckks.multiply': 205,
  'ckks.multiply-constant': 211,
  'ckks.multiply-public': 213,
  'ckks.relinearize': 207,
  'ckks.rescale': 208,
  'ckks.square': 206,
  'ckks.sub': 204,
};

const dialects = ['nn', 'packed', 'ckks'];

describe('operators', () => {
  it('have the frozen codes', () => {
    expect(Object.fromEntries(ops.map(({ name, code }) => [name, code]))).toEqual(frozen);
  });

  it('have a code and a name of their own', () => {
    expect(new Set(ops.map(({ code }) => code)).size).toBe(ops.length);
    expect(new Set(ops.map(({ name }) => name)).size).toBe(ops.length);
  });

  it.each(ops)('$name is the default export of the file of its name', async ({ name }) => {
    const [dialect = '', file = ''] = name.split('.');
    expect(dialects).toContain(dialect);
    const module = (await import(`../../src/ir/${dialect}/${file}.ts`)) as {
      default: { name: string };
    };
    expect(module.default.name).toBe(name);
  });

  it.each(dialects)('every operator file of %s is in the table', (dialect) => {
    const files = readdirSync(path.join(import.meta.dirname, '../../src/ir', dialect));
    const names = ops.map(({ name }) => name);
    const declared = names.filter((name) => name.startsWith(`${dialect}.`));
    const withFile = declared.filter((name) =>
      files.includes(`${name.slice(dialect.length + 1)}.ts`),
    );
    expect(withFile).toEqual(declared);
    expect([...declared].sort()).toEqual(declared);
  });

  it.each(ops)('$name is documented', ({ summary, operands, levels }) => {
    expect(summary).toMatch(/^[A-Z].*\.$/s);
    for (const { name, doc } of operands) {
      expect(name).toMatch(/^[a-z][A-Za-z]*$/);
      expect(doc.length).toBeGreaterThan(2);
    }
    expect(Number.isInteger(levels) && levels >= 0).toBe(true);
  });
});
