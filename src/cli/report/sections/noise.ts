import type { PlanLayer } from '../../../backend/report/plan-layers.ts';
import { bitText, numberText } from '../../text/figures.ts';
import { bar } from '../bar.ts';
import { html, type Markup } from '../html.ts';
import { layerTable } from '../layer-table.ts';
import type { PageFacts } from '../page-facts.ts';

const sources = {
  declared: 'declared',
  proved: 'proved',
  calibrated: 'seen on data, with a margin',
} as const;

/** The error that encryption adds, layer by layer. */
export function noiseSection({ layers, report, evidence }: PageFacts): Markup {
  const most = Math.max(1, ...layers.map(({ precisionBits }) => precisionBits ?? 0));
  const { layerBits } = evidence;
  const measured = layers.some(({ name }) => layerBits.has(name));
  return html`<section aria-labelledby="noise">
    <h2 id="noise">How precise each layer is</h2>
    <p>
      CKKS computes with a small random error. Ten bits are three decimal digits: at
      ${bitText(report.precisionBits)} the worst output is off by
      ${numberText(2 ** -report.precisionBits)} of the largest. What is predicted holds for the
      worst
      slot${measured ? '; measured is the worst of the images that were run' : ', before anything runs'}.
    </p>
    ${layerTable(layers, {
      caption: 'Bits of precision of the result of each layer, and the values that it may hold',
      columns: ['Precision', 'Values'],
      cells: (layer) => [
        precisionCell(layer, most, layerBits.get(layer.name) ?? null),
        rangeCell(layer),
      ],
    })}
  </section> `;
}

function precisionCell(
  { precisionBits }: PlanLayer,
  most: number,
  measured: number | null,
): Markup {
  return html`${bitText(precisionBits)}${measured !== null && html` predicted`}${bar((precisionBits ?? 0) / most)}${
    measured !== null && html`${bitText(measured)} measured${bar(measured / most, 'fill2')}`
  }`;
}

function rangeCell({ range }: PlanLayer): Markup {
  if (range === null) return html`not known`;
  return html`${numberText(range.lo)} to ${numberText(range.hi)}<span class="sub"
      >${sources[range.source]}</span
    >`;
}
