import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { missing, reluRowsSchema, reluTable, withReluTable } from './relu-networks-table.ts';
import type { ReluRow } from './relu-networks-table.ts';
import measured from './relu-networks.json' with { type: 'json' };

const plan = { loss: 0.5, compiled: true, levels: 8, ringDegree: 16384 };
const row: ReluRow = {
  network: 'two',
  budget: 0.8,
  securityBits: 128,
  chosen: { ...plan, degrees: [3, 2], seconds: 0.1 },
  uniform: { ...plan, degrees: [3, 3], seconds: 0.12 },
  oneDegree: {
    degree: 6,
    fit: 'least-squares',
    loss: 0.78,
    seconds: 0.13,
    levels: 9,
    ringDegree: 16384,
  },
  simulated: {
    images: 1000,
    originalAccuracy: 0.99,
    accuracy: 0.985,
    agreement: 0.99,
    escapedImages: 0,
  },
  encrypted: {
    images: 100,
    agreement: 0.99,
    milliseconds: 84,
    busy: false,
    threads: 1,
    precisionBits: 11,
  },
};

describe('the table of docs/relu-networks.md', () => {
  const rows = reluRowsSchema.parse(measured);

  test('has rows that hold all', () => {
    for (const own of rows) expect(missing(own), own.network).toEqual([]);
  });

  test('shows what was measured', () => {
    const file = fileURLToPath(new URL('../../docs/relu-networks.md', import.meta.url));
    // The formatter pads cells.
    const cells = (text: string): string[] =>
      text
        .split('\n')
        .filter((line) => line.startsWith('|') && !line.includes('---'))
        .map((line) => line.replaceAll(/ +/g, ' '));
    const [, shown = ''] =
      /<!-- measured[^>]*-->([^]*)<!-- \/measured -->/.exec(readFileSync(file, 'utf8')) ?? [];
    expect(cells(shown)).toEqual(rows.length === 0 ? [] : cells(reluTable(rows)));
  });

  test.each<readonly [string, Partial<ReluRow>]>([
    ['security', { securityBits: 120 }],
    ['simulated images', { simulated: { ...row.simulated, images: 999 } }],
    ['accuracy with noise', { simulated: { ...row.simulated, accuracy: 0.984 } }],
    ['encrypted images', { encrypted: { ...row.encrypted, images: 99 } }],
    ['agreement of encrypted images', { encrypted: { ...row.encrypted, agreement: 0.98 } }],
    ['prices of compiled plans', { chosen: { ...row.chosen, compiled: false } }],
    ['ratio to one degree for all', { oneDegree: { ...row.oneDegree!, seconds: 0.12 } }],
  ])('a row that misses %s says so', (what, change) => {
    expect(missing(row)).toEqual([]);
    expect(missing({ ...row, ...change })).toEqual([what]);
  });

  test('asks one activation for no ratio, and takes a network that no single degree is enough for', () => {
    const one = { ...row, chosen: { ...row.chosen, degrees: [12] } };
    expect(missing({ ...one, oneDegree: { ...row.oneDegree!, seconds: 0.1 } })).toEqual([]);
    expect(missing({ ...row, uniform: null, oneDegree: null })).toEqual([]);
    const page = withReluTable('<!-- measured: npm run relu-networks -->\n<!-- /measured -->', [
      row,
    ]);
    expect(page).toContain(
      '| two | 0.8 | 3, 2 | 2^14, 8 | 0.50 | 100 ms | 6 | 2^14, 9 | 130 ms | 1.30 | 3 | 1.20 |',
    );
    expect(() => withReluTable('', [row])).toThrow('has no');
  });
});
