/** Time of one node of the model within an evaluation. */
export interface ProfiledNode {
  /** Null for what belongs to no node: loading inputs, saving outputs. */
  readonly node: string | null;
  readonly ms: number;
  /** Share of the whole. */
  readonly share: number;
}

export interface StepProfile {
  /** An execution begins. */
  start(): void;
  /** The evaluator is at a node now. */
  reached(node: string | null): void;
  /** In the order in which they were first reached. */
  nodes(): readonly ProfiledNode[];
}

/**
 * A profile from the evaluator's own reports of progress, which come about every 50 ms: a sampling
 * profile, so that shorter nodes show only over several executions.
 */
export function createStepProfile(now: () => number = () => performance.now()): StepProfile {
  const spent = new Map<string | null, number>();
  let last = now();
  return {
    start() {
      last = now();
    },
    reached(node) {
      const at = now();
      spent.set(node, (spent.get(node) ?? 0) + at - last);
      last = at;
    },
    nodes() {
      const total = [...spent.values()].reduce((sum, ms) => sum + ms, 0);
      return [...spent].map(([node, ms]) => ({ node, ms, share: total > 0 ? ms / total : 0 }));
    },
  };
}
