/** The table of docs/noise.md: predicted beside measured errors of every primitive. */
import { z } from 'zod';
import { table } from '../../scripts/docs/table.ts';

export const evaluators = ['native', 'seal'] as const;

/** Ring degrees that are measured, and fresh keys for each: 40,000 slots and more; for seal 32 keys. */
export const measuredRings = [
  { ringDegree: 4096, keys: { native: 20, seal: 32 } },
  { ringDegree: 8192, keys: { native: 10, seal: 32 } },
  { ringDegree: 16384, keys: { native: 5, seal: 32 } },
  { ringDegree: 32768, keys: { native: 3, seal: 32 } },
] as const;

/** Predicted over measured standard deviation on native. */
export const ratioBounds = [0.95, 1.05] as const;
/** Root mean square of errors over their own deviations on seal. */
export const ownBounds = [0.9, 1.1] as const;

const rowSchema = z.strictObject({
  primitive: z.string(),
  ringDegree: z.int(),
  evaluator: z.enum(evaluators),
  keys: z.int(),
  slots: z.int(),
  measured: z.number(),
  predicted: z.number(),
  rmsOfOwn: z.number(),
  worstOfOwn: z.number(),
});

export const noiseRowsSchema = z.array(rowSchema);

export type NoiseRow = z.infer<typeof rowSchema>;

/** Whether what was measured is what was predicted. */
export function holds({ evaluator, predicted, measured, rmsOfOwn }: NoiseRow): boolean {
  const [figure, [low, high]] =
    evaluator === 'native' ? [predicted / measured, ratioBounds] : [rmsOfOwn, ownBounds];
  return figure >= low && figure <= high;
}

/** One line a primitive, one column an evaluator and ring degree; a dash where nothing was measured. */
export function noiseTable(rows: readonly NoiseRow[]): string {
  const names = [...new Set(rows.map(({ primitive }) => primitive))];
  const columns = evaluators.flatMap((evaluator) =>
    measuredRings
      .map(({ ringDegree }) => ({ evaluator, ringDegree }))
      .filter((column) =>
        rows.some((row) => row.evaluator === evaluator && row.ringDegree === column.ringDegree),
      ),
  );
  return table(
    [
      'primitive',
      ...columns.map(({ evaluator, ringDegree }) => `${evaluator} 2^${Math.log2(ringDegree)}`),
    ],
    names.map((name) => [
      name,
      ...columns.map(({ evaluator, ringDegree }) => {
        const row = rows.find(
          (each) =>
            each.primitive === name &&
            each.evaluator === evaluator &&
            each.ringDegree === ringDegree,
        );
        if (row === undefined) return '–';
        const figure = evaluator === 'native' ? row.predicted / row.measured : row.rmsOfOwn;
        return `${figure.toFixed(3)} (${row.worstOfOwn.toFixed(1)})`;
      }),
    ]),
  );
}

const [begin, end] = ['<!-- measured: npm run noise -->', '<!-- /measured -->'];

/** The page with the table between its markers. */
export function withNoiseTable(page: string, rows: readonly NoiseRow[]): string {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/noise.md has no ${begin} … ${end}`);
  return `${page.slice(0, from + begin.length)}\n\n${noiseTable(rows)}\n\n${page.slice(to)}`;
}
