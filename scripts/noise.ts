/**
 * `npm run noise`: measure the error of every primitive and write the table of docs/noise.md.
 *
 *   npm run noise                                          all of it: half an hour
 *   npm run noise -- --evaluator native --ring-degree 4096 part of it; the rest of the table stays
 *
 * What was measured is kept in test/noise/measured.json.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { measureNoise } from '../test/noise/measure-noise.ts';
import {
  evaluators,
  holds,
  measuredRings,
  noiseRowsSchema,
  withNoiseTable,
} from '../test/noise/noise-table.ts';
import type { NoiseRow } from '../test/noise/noise-table.ts';
import { groupsOf, primitiveNames } from '../test/noise/primitive-programs.ts';

const { values } = parseArgs({
  options: { evaluator: { type: 'string' }, 'ring-degree': { type: 'string' } },
});
const dataFile = fileURLToPath(new URL('../test/noise/measured.json', import.meta.url));
const pageFile = fileURLToPath(new URL('../docs/noise.md', import.meta.url));
const chosen = (evaluator: string, ringDegree: number): boolean =>
  (values.evaluator ?? evaluator) === evaluator &&
  Number(values['ring-degree'] ?? ringDegree) === ringDegree;

let rows: readonly NoiseRow[] = noiseRowsSchema.parse(JSON.parse(readFileSync(dataFile, 'utf8')));
for (const { ringDegree, keys } of measuredRings) {
  for (const evaluator of evaluators) {
    if (!chosen(evaluator, ringDegree)) continue;
    for (const { program } of groupsOf(evaluator)) {
      const measured = await measureNoise(program(ringDegree), evaluator, {
        keys: keys[evaluator],
      });
      for (const [primitive, figures] of measured) {
        const row: NoiseRow = {
          primitive,
          ringDegree,
          evaluator,
          keys: keys[evaluator],
          ...figures,
        };
        rows = [...rows.filter((other) => !sameCell(other, row)), row];
        console.log(
          `${evaluator} 2^${Math.log2(ringDegree)} ${primitive}: predicted / measured ${(row.predicted / row.measured).toFixed(3)}, own ${row.rmsOfOwn.toFixed(3)}${holds(row) ? '' : ' OUT OF BOUNDS'}`,
        );
      }
      await write();
    }
  }
}
await write();

function sameCell(a: NoiseRow, b: NoiseRow): boolean {
  return (
    a.primitive === b.primitive && a.ringDegree === b.ringDegree && a.evaluator === b.evaluator
  );
}

/** After each program: a run of half an hour may be ended at any time. */
async function write(): Promise<void> {
  const sorted = rows
    .filter(({ primitive }) => primitiveNames.includes(primitive))
    .sort(
      (a, b) =>
        primitiveNames.indexOf(a.primitive) - primitiveNames.indexOf(b.primitive) ||
        a.evaluator.localeCompare(b.evaluator) ||
        a.ringDegree - b.ringDegree,
    );
  for (const [path, text] of [
    [dataFile, JSON.stringify(sorted)],
    [pageFile, withNoiseTable(readFileSync(pageFile, 'utf8'), sorted)],
  ] as const) {
    const options = await resolveConfig(path);
    writeFileSync(path, await format(text, { ...options, filepath: path }));
  }
}
