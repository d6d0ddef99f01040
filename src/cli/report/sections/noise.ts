import type { PlanLayer } from '../../../backend/report/plan-layers.ts';
import { bitText, numberText } from '../../text/figures.ts';
import { bar } from '../bar.ts';
import { cut, html, name, type Markup } from '../html.ts';
import { layerTable } from '../layer-table.ts';
import type { PageFacts } from '../page-facts.ts';
import type { LayerErrors, WrongLayer } from '../read-evidence.ts';

const sources = {
  declared: 'declared',
  proved: 'proved',
  calibrated: 'seen on data, with a margin',
} as const;

/** The error that encryption adds, layer by layer. */
export function noiseSection({ layers, report, evidence }: PageFacts): Markup {
  const most = Math.max(1, ...layers.map(({ precisionBits }) => precisionBits ?? 0));
  const { layerErrors, wrongLayer } = evidence;
  const measured = layers.some((layer) => layerErrors.has(layer.name));
  return html`<section aria-labelledby="noise">
    <h2 id="noise">How precise each layer is</h2>
    <p>
      CKKS computes with a small random error. Ten bits are three decimal digits: at
      ${bitText(report.precisionBits)} the worst output is off by
      ${numberText(2 ** -report.precisionBits)} of the largest. What is predicted holds for the
      worst
      slot${measured ? '; typical is the root mean square over all slots, by verify --layers' : ', before anything runs'}.
    </p>
    ${measured && html`<p>${wrongText(wrongLayer)}</p>`}${layerTable(layers, {
      caption: 'Bits of precision of the result of each layer, and the values that it may hold',
      columns: ['Precision', 'Values'],
      cells: (layer) => [
        precisionCell(layer, most, layerErrors.get(layer.name) ?? null),
        rangeCell(layer),
      ],
    })}
  </section> `;
}

function precisionCell(
  { precisionBits }: PlanLayer,
  most: number,
  errors: LayerErrors | null,
): Markup {
  return html`${bitText(precisionBits)}${bar((precisionBits ?? 0) / most)}${
    errors !== null &&
    html`<span class="sub"
        >typical: ${typicalBits(errors.measured)} measured, ${typicalBits(errors.simulated)}
        simulated</span
      >${polynomialPart(errors)}`
  }`;
}

/** The part of the error that is no noise. */
function polynomialPart({ approximation, rangeEscape }: LayerErrors): Markup | null {
  const parts = [
    approximation !== null && approximation > 0
      ? `${typicalBits(approximation)} against the original network`
      : null,
    rangeEscape !== null && rangeEscape > 0
      ? `${typicalBits(rangeEscape)} on images that left a range`
      : null,
  ].filter((part) => part !== null);
  return parts.length === 0
    ? null
    : html`<span class="sub">polynomials: ${parts.join(', ')}</span>`;
}

/** Of a relative root mean square error. */
function typicalBits(error: number | null): string {
  if (error === null) return 'nothing to compare';
  return error > 0 ? bitText(-Math.log2(error)) : 'exact';
}

/** By verify --layers: where the accuracy went first. */
function wrongText(wrong: WrongLayer | null): Markup {
  if (wrong === null) return html`No layer is far from that of the original network.`;
  const error = wrong.error === null ? 'more than all' : numberText(wrong.error);
  return html`The first layer that goes wrong is ${name(wrong.node)}, by ${cut(wrong.cause)}: an
  error of ${error} of its values, more than ${numberText(wrong.limit)}.`;
}

function rangeCell({ range }: PlanLayer): Markup {
  if (range === null) return html`not known`;
  return html`${numberText(range.lo)} to ${numberText(range.hi)}<span class="sub"
      >${sources[range.source]}</span
    >`;
}
