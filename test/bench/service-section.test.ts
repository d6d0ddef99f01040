import { expect, it } from 'vitest';
import { serviceSection, withServiceFigures } from '../../bench/results/service-section.ts';

const figures = (network: string, measured: string) => ({
  network,
  processor: 'one',
  threads: 2,
  measuredAt: '2026-01-02T03:04:05Z',
  clients: 64,
  seconds: 300,
  verdicts: [{ aim: 'no request lost', measured, met: measured === '0' }],
});

it('has the rows of each network once, those of the latest run, and leaves the rest of the page', () => {
  const page = '# Results\n\n## Networks\n\n| `lola` is no row of the section |\n';
  expect(serviceSection(page)).toBe('');
  const first = withServiceFigures(page, figures('lola', '1'));
  const both = withServiceFigures(first, figures('lenet', '0'));
  const again = withServiceFigures(both, figures('lola', '0'));
  expect(again.startsWith(page)).toBe(true);
  const rows = serviceSection(again)
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  expect(rows).toEqual([
    '| `lenet` | 2026-01-02 03:04, one, 2 threads | 64, 300 | no request lost | 0 | met |',
    '| `lola` | 2026-01-02 03:04, one, 2 threads | 64, 300 | no request lost | 0 | met |',
  ]);
  expect(first).toContain('| 1 | not met |');
  // The page that bench:results writes anew keeps the section as it was.
  expect(serviceSection(`# Anew\n\n${serviceSection(again)}`)).toBe(serviceSection(again));
});
