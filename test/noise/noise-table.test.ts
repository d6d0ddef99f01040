import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { mostDeviations } from '../../src/passes/noise/tails.ts';
import measured from './measured.json' with { type: 'json' };
import { holds, noiseRowsSchema, noiseTable } from './noise-table.ts';
import { primitiveNames } from './primitive-programs.ts';

const rows = noiseRowsSchema.parse(measured);

describe('the table of docs/noise.md', () => {
  it('has every primitive, within bounds', () => {
    for (const name of primitiveNames) {
      const own = rows.filter(({ primitive }) => primitive === name);
      expect(own.length, name).toBeGreaterThan(0);
      for (const row of own) {
        expect(holds(row), JSON.stringify(row)).toBe(true);
        // Errors times s² have no such tail; plans relinearise before they rescale.
        if (name !== 'rescale before relinearisation') {
          expect(row.worstOfOwn, JSON.stringify(row)).toBeLessThan(mostDeviations(row.slots, 1));
        }
        if (row.evaluator === 'native') expect(row.slots).toBeGreaterThan(40_000);
        else expect(row.keys).toBeGreaterThanOrEqual(32);
      }
    }
  });

  it('shows what was measured', () => {
    const page = readFileSync(
      fileURLToPath(new URL('../../docs/noise.md', import.meta.url)),
      'utf8',
    );
    // The formatter pads cells.
    const cells = (text: string): string[] =>
      text
        .split('\n')
        .filter((line) => line.startsWith('|') && !line.includes('---'))
        .map((line) => line.replaceAll(/ +/g, ' '));
    const [, shown = ''] = /<!-- measured[^>]*-->([^]*)<!-- \/measured -->/.exec(page) ?? [];
    expect(cells(shown)).toEqual(cells(noiseTable(rows)));
  });
});
