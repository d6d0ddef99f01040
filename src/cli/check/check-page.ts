import { textTable } from '../text/table.ts';
import type { BaselineComparison } from './compare-baseline.ts';
import { figureText, verdictSentence, type Verdict } from './verdicts.ts';

/** The verdicts for people: the verdict first, then every limit, then what is missed in words. */
export function checkPage(
  verdicts: readonly Verdict[],
  facts: {
    readonly insecure: boolean;
    /** Outputs without a slot that shows that values wrapped, of a plan whose ranges are not all proved. */
    readonly fullOutputs: readonly string[];
    readonly notCompared: BaselineComparison['notCompared'];
  },
): string {
  const missed = verdicts.filter(({ met }) => !met);
  const table = textTable([
    ['', 'is', 'limit', '', ''],
    ...verdicts.map(({ name, unit, figure, limit, bound, met, option, source }) => [
      name,
      figureText(unit, figure),
      `${bound === 'least' ? '≥' : '≤'} ${figureText(unit, limit)}`,
      met ? 'ok' : `missed (${option})`,
      source,
    ]),
  ]);
  return [
    missed.length === 0
      ? `ok: ${verdicts.length} of ${verdicts.length} limits hold`
      : `missed: ${missed.length} of ${verdicts.length} limits`,
    '',
    table,
    ...facts.notCompared.map(({ name, reason }) => `${name} was not compared: ${reason}`),
    ...(missed.length === 0 ? [] : ['', ...missed.map(missLine)]),
    ...facts.fullOutputs.map(
      (name) =>
        `${JSON.stringify(name)} has an element in every slot: what wraps shows to the client only where a value is beyond its bound`,
    ),
    ...(facts.insecure ? ['', 'INSECURE: the parameters are below 128 bits.'] : []),
  ].join('\n');
}

function missLine(verdict: Verdict): string {
  const [node] = verdict.nodes;
  return `${verdictSentence(verdict)}${node === undefined ? '' : ` (look at ${JSON.stringify(node)})`}`;
}
