import { prepareProgram } from '../../backend/execute/prepare-program.ts';
import { nativeMemory, totalBytes } from '../../backend/native/native-memory.ts';
import type { LoadedPlan } from '../../backend/plan/read-plan.ts';
import type { PlanFigures } from '../protocol/plan-figures.ts';
import type { StoredReport } from '../protocol/read-report.ts';
import type { FigureName } from './budget-figures.ts';
import type { Measurement } from './measure-plan.ts';

/** A figure of a plan, or why nobody knows it and what would tell. */
export type FoundFigure =
  | {
      readonly value: number;
      /** How it is known, in a clause. */
      readonly source: string;
      /** ONNX nodes that the figure is about, the most important first. */
      readonly nodes: readonly string[];
    }
  | { readonly value: null; readonly reason: string; readonly hint: string };

interface Facts {
  readonly plan: LoadedPlan;
  readonly figures: PlanFigures;
  readonly report: StoredReport | null;
  /** Null where nothing was run. */
  readonly measured: Measurement | null;
}

/** Every figure that can have a budget. */
export function collectFigures(facts: Facts): Readonly<Record<FigureName, FoundFigure>> {
  const { plan, figures, measured } = facts;
  return {
    securityBits: { value: plan.securityBits, source: 'recomputed from the primes', nodes: [] },
    precisionBits: precision(facts),
    latencyMs: latency(facts),
    keyBytes: { value: figures.keyBytes, source: 'exact', nodes: [] },
    memoryBytes: {
      value: totalBytes(nativeMemory(prepareProgram(plan.program))),
      source: 'predicted for the native evaluator',
      nodes: [],
    },
    rangeEscape: rangeEscape(facts),
    agreement: share(measured?.agreement ?? null, measured?.agreementSource ?? '', {
      reason:
        'agreement is that of the plan with the original model on images, and nothing was compared',
      hint: '--input X.npy --model MODEL.onnx',
    }),
    accuracy: share(measured?.accuracy ?? null, measured?.source ?? '', {
      reason: 'accuracy needs images with labels, and nothing was compared',
      hint: '--input X.npy --labels Y.npy',
    }),
  };
}

function precision({ plan, measured }: Facts): FoundFigure {
  const predicted = plan.facts.precisionBits;
  const nodes = outputNodes(plan);
  const worst = measured?.precisionBits ?? null;
  return worst !== null && worst < predicted
    ? { value: worst, source: measured!.source, nodes }
    : { value: predicted, source: 'predicted', nodes };
}

function latency({ report, measured }: Facts): FoundFigure {
  const nodes = costliestNodes(report);
  if (measured?.latencyMs !== undefined && measured.latencyMs !== null) {
    return { value: measured.latencyMs, source: measured.source, nodes };
  }
  if (report === null) {
    return {
      value: null,
      reason: 'the modelled time is in report.json, which the folder does not have',
      hint: '--measured, or compile the model again',
    };
  }
  if (report.modelledSeconds === null) {
    return {
      value: null,
      reason: 'the time of a plan that holds a batch is not modelled',
      hint: '--measured',
    };
  }
  return { value: report.modelledSeconds * 1000, source: 'modelled', nodes };
}

/**
 * Proved ranges cannot be left by inputs in their declared range, and others are refused by client
 * and server. What was seen on data can be left: with the probability that the plan states, or more
 * often where images show it.
 */
function rangeEscape({ plan: { program, facts }, measured }: Facts): FoundFigure {
  const calibrated = program.operations.filter(({ type }) => type.range?.source === 'calibrated');
  const nodes = distinct(calibrated.map(({ location }) => location));
  const escapes = measured?.escapes ?? null;
  if (escapes !== null && calibrated.length > 0) {
    const share = escapes.escaped / escapes.images;
    const predicted = facts.rangeEscape ?? escapes.predicted;
    if (share > predicted || (share === predicted && share > 0)) {
      return {
        value: share,
        source: `${escapes.escaped} of ${escapes.images} images leave a range`,
        nodes: escapes.nodes,
      };
    }
    if (facts.rangeEscape === null) {
      return { value: predicted, source: `predicted from ${escapes.images} images`, nodes };
    }
  }
  if (facts.rangeEscape !== null) {
    return { value: facts.rangeEscape, source: 'predicted', nodes };
  }
  const unknown = program.operations.filter(({ type }) => type.range === null);
  if (calibrated.length === 0 && unknown.length === 0) {
    return { value: 0, source: 'every range is proved or declared', nodes };
  }
  const named = nodes.slice(0, 3).map((node) => JSON.stringify(node));
  return {
    value: null,
    reason: `${calibrated.length} of ${program.operations.length} ranges were seen on calibration data${
      named.length === 0
        ? ''
        : ` (${named.join(', ')}${nodes.length > named.length ? ` and ${nodes.length - named.length} nodes more` : ''})`
    }, and that data does not tell how probable it is to leave them`,
    hint: '--input X.npy, or compile with eight or more images as --calibration, or with --require-range-proof',
  };
}

function share(
  value: number | null,
  source: string,
  unknown: { readonly reason: string; readonly hint: string },
): FoundFigure {
  return value === null ? { value, ...unknown } : { value, source, nodes: [] };
}

function outputNodes({ program }: LoadedPlan): string[] {
  const ends = new Set(program.outputs.map(({ value }) => value));
  return distinct(
    program.operations.filter((_, index) => ends.has(index)).map(({ location }) => location),
  );
}

/** The layers whose chosen layout is modelled to take most of the time. */
function costliestNodes(report: StoredReport | null): string[] {
  const costs = (report?.choices ?? []).flatMap(({ node, chosen, candidates }) => {
    const cost = candidates.find(({ name }) => name === chosen)?.seconds;
    return node === null || cost === undefined ? [] : [{ node, cost }];
  });
  costs.sort((a, b) => b.cost - a.cost);
  return costs.slice(0, 1).map(({ node }) => node);
}

function distinct(names: readonly (string | null)[]): string[] {
  return [...new Set(names.filter((name) => name !== null))];
}
