/** What to show of an output: a probability for each class. */
import type { ClientPlan } from 'cipherloom/client/browser';

export interface Probability {
  readonly label: string;
  readonly value: number;
}

/**
 * Probabilities by class: of outputs that are none yet, their softmax; of a single value, its
 * logistic function, beside the complement.
 */
export function probabilities(
  plan: ClientPlan,
  outputs: Readonly<Record<string, { readonly data: Float64Array }>>,
): Probability[] {
  const [output] = plan.outputs;
  const data = output === undefined ? undefined : outputs[output.name]?.data;
  if (output === undefined || data === undefined || data.length === 0) return [];
  const finished = output.postprocess.some(({ op }) => op === 'softmax');
  const label = (i: number): string => output.labels?.[i] ?? String(i);
  if (data.length === 1) {
    const chance = finished ? data[0]! : 1 / (1 + Math.exp(-data[0]!));
    return [
      { label: output.labels?.[0] ?? 'yes', value: chance },
      { label: 'otherwise', value: 1 - chance },
    ];
  }
  if (finished) return Array.from(data, (value, i) => ({ label: label(i), value }));
  const largest = Math.max(...data);
  const powers = Array.from(data, (value) => Math.exp(value - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power, i) => ({ label: label(i), value: power / sum }));
}
