/** The table of docs/relu-networks.md: what was measured of each network. */
import { z } from 'zod';
import { table } from '../../scripts/docs/table.ts';

const plan = z.strictObject({
  degrees: z.array(z.int()),
  /** On the calibration images, in points. */
  loss: z.number(),
  /** Modelled, of the whole compiled plan, on one core. */
  seconds: z.number(),
  compiled: z.boolean(),
  levels: z.int(),
  ringDegree: z.int(),
});

const rowSchema = z.strictObject({
  network: z.string(),
  budget: z.number(),
  securityBits: z.int(),
  chosen: plan,
  /** The cheapest plan of one degree throughout that holds the same budget; null where none does. */
  uniform: plan.nullable(),
  simulated: z.strictObject({
    images: z.int(),
    /** Shares of the labels: of the original in ONNX Runtime, and of the plan with noise. */
    originalAccuracy: z.number(),
    accuracy: z.number(),
    /** With the original. */
    agreement: z.number(),
    escapedImages: z.int(),
  }),
  encrypted: z.strictObject({
    images: z.int(),
    /** With the original. */
    agreement: z.number(),
    /** Median of one evaluation. */
    milliseconds: z.number(),
    threads: z.int(),
    precisionBits: z.number(),
  }),
});

export const reluRowsSchema = z.array(rowSchema);

export type ReluRow = z.infer<typeof rowSchema>;

/** How much dearer one degree for all is, or null where the network has one activation. */
export function uniformRatio({ chosen, uniform }: ReluRow): number | null {
  if (chosen.degrees.length < 2) return null;
  return uniform === null ? Infinity : uniform.seconds / chosen.seconds;
}

/** What a row misses of what the networks have to hold; empty where it holds all. */
export function missing(row: ReluRow): string[] {
  const { simulated, encrypted, chosen, uniform } = row;
  const ratio = uniformRatio(row);
  const checks: readonly (readonly [boolean, string])[] = [
    [row.securityBits >= 128, 'security'],
    [simulated.images >= 1000, 'simulated images'],
    [simulated.accuracy >= simulated.originalAccuracy - 0.005, 'accuracy with noise'],
    [encrypted.images >= 100, 'encrypted images'],
    [encrypted.agreement >= 0.99, 'agreement of encrypted images'],
    [chosen.compiled && (uniform?.compiled ?? true), 'prices of compiled plans'],
    [ratio === null || ratio >= 1.3, 'ratio to one degree for all'],
  ];
  return checks.flatMap(([holds, what]) => (holds ? [] : [what]));
}

/** One line a network. */
export function reluTable(rows: readonly ReluRow[]): string {
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const milliseconds = (seconds: number): string => `${Math.round(1000 * seconds)} ms`;
  return table(
    [
      'network',
      'budget',
      'degrees',
      'N, levels',
      'loss',
      'modelled',
      'one degree',
      'N, levels',
      'modelled',
      'ratio',
      'original',
      'with noise',
      'encrypted',
      'latency',
    ],
    rows.map((row) => {
      const { network, budget, chosen, uniform, simulated, encrypted } = row;
      const ring = ({ ringDegree, levels }: ReluRow['chosen']): string =>
        `2^${Math.log2(ringDegree)}, ${levels}`;
      const ratio = uniformRatio(row);
      return [
        network,
        String(budget),
        chosen.degrees.join(', '),
        ring(chosen),
        chosen.loss.toFixed(2),
        milliseconds(chosen.seconds),
        uniform === null ? 'none' : String(uniform.degrees[0] ?? 0),
        uniform === null ? '–' : ring(uniform),
        uniform === null ? '–' : milliseconds(uniform.seconds),
        ratio === null || !Number.isFinite(ratio) ? '–' : ratio.toFixed(2),
        percent(simulated.originalAccuracy),
        percent(simulated.accuracy),
        percent(encrypted.agreement),
        `${Math.round(encrypted.milliseconds)} ms`,
      ];
    }),
  );
}

const [begin, end] = ['<!-- measured: npm run relu-networks -->', '<!-- /measured -->'];

/** The page with the table between its markers. */
export function withReluTable(page: string, rows: readonly ReluRow[]): string {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/relu-networks.md has no ${begin} … ${end}`);
  return `${page.slice(0, from + begin.length)}\n\n${reluTable(rows)}\n\n${page.slice(to)}`;
}
