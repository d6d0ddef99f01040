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
  securityBits: z.number(),
  chosen: plan,
  /** The cheapest of one degree throughout, fitted together; null where none holds the budget. */
  uniform: plan.nullable(),
  /** The cheapest of `--activation-degree`, fitted layer by layer; null where none holds the budget. */
  oneDegree: z
    .strictObject({
      degree: z.int(),
      fit: z.string(),
      loss: z.number(),
      seconds: z.number(),
      levels: z.int(),
      ringDegree: z.int(),
    })
    .nullable(),
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
    /** Whether the machine had other work meanwhile. */
    busy: z.boolean(),
    threads: z.int(),
    precisionBits: z.number(),
  }),
});

export const reluRowsSchema = z.array(rowSchema);

export type ReluRow = z.infer<typeof rowSchema>;

type Ring = Pick<ReluRow['chosen'], 'ringDegree' | 'levels'>;

/** How much dearer a plan of one degree is; infinite where none holds the budget. */
export function dearer({ chosen }: ReluRow, other: { readonly seconds: number } | null): number {
  return other === null ? Infinity : other.seconds / chosen.seconds;
}

/** What a row misses of what the networks have to hold; empty where it holds all. */
export function missing(row: ReluRow): string[] {
  const { simulated, encrypted, chosen, uniform, oneDegree } = row;
  const checks: readonly (readonly [boolean, string])[] = [
    [row.securityBits >= 128, 'security'],
    [simulated.images >= 1000, 'simulated images'],
    [simulated.accuracy >= simulated.originalAccuracy - 0.005, 'accuracy with noise'],
    [encrypted.images >= 100, 'encrypted images'],
    [encrypted.agreement >= 0.99, 'agreement of encrypted images'],
    [chosen.compiled && (uniform?.compiled ?? true), 'prices of compiled plans'],
    // With one activation there is nothing to choose together.
    [chosen.degrees.length < 2 || dearer(row, oneDegree) >= 1.3, 'ratio to one degree for all'],
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
      '`--activation-degree`',
      'N, levels',
      'modelled',
      'ratio',
      'one degree, fitted together',
      'ratio',
      'original',
      'with noise',
      'encrypted',
      'latency',
    ],
    rows.map((row) => {
      const { network, budget, chosen, uniform, oneDegree, simulated, encrypted } = row;
      const ring = ({ ringDegree, levels }: Ring): string =>
        `2^${Math.log2(ringDegree)}, ${levels}`;
      const ratio = (other: { readonly seconds: number } | null): string =>
        other === null ? '–' : dearer(row, other).toFixed(2);
      return [
        network,
        String(budget),
        chosen.degrees.join(', '),
        ring(chosen),
        chosen.loss.toFixed(2),
        milliseconds(chosen.seconds),
        oneDegree === null ? 'none' : String(oneDegree.degree),
        oneDegree === null ? '–' : ring(oneDegree),
        oneDegree === null ? '–' : milliseconds(oneDegree.seconds),
        ratio(oneDegree),
        uniform === null ? 'none' : String(uniform.degrees[0] ?? 0),
        // With one activation the two are the same.
        chosen.degrees.length < 2 ? '–' : ratio(uniform),
        percent(simulated.originalAccuracy),
        percent(simulated.accuracy),
        percent(encrypted.agreement),
        `${Math.round(encrypted.milliseconds)} ms${encrypted.busy ? ' (busy machine)' : ''}`,
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
