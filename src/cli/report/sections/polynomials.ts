import { numberText } from '../../text/figures.ts';
import { activationChart } from '../activation-chart.ts';
import { cut, html, name, type Markup } from '../html.ts';
import type { ApproximationRow, PageFacts } from '../page-facts.ts';
import type { Escape } from '../read-evidence.ts';

/** Pictures on the page; the table has every activation. */
const mostCharts = 24;
const mostRows = 200;

/** Activations and the polynomials that stand in for them. */
export function polynomialSection({ report, evidence }: PageFacts): Markup {
  const escapes = evidence.escapes?.value ?? null;
  const { approximations, approximationError } = report;
  if (approximations.length === 0) {
    return html`<section aria-labelledby="polynomials">
      <h2 id="polynomials">Activations</h2>
      <p>
        No activation was approximated: what the network computes is linear maps and polynomials
        already, and its answers change by noise alone.
      </p>
    </section> `;
  }
  const drawn = approximations.filter(({ sketch }) => sketch !== null).slice(0, mostCharts);
  return html`<section aria-labelledby="polynomials">
    <h2 id="polynomials">Activations as polynomials</h2>
    <p>
      Ciphertexts can be added and multiplied, so every activation is replaced by a polynomial over
      the range of its arguments. It is close where arguments were seen in the calibration data, the
      shaded part; outside of the range it is wrong, and far outside very wrong.
    </p>
    ${approximationError.map(
      ({ output, worst, rms }) =>
        html`<p>
          On the calibration data all polynomials together move the output ${name(output)} by
          ${numberText(rms)} (root mean square), ${numberText(worst)} at most.
        </p> `,
    )}${
      drawn.length > 0 &&
      html`<div class="curves">${drawn.map((row) => chartFigure(row, escapes))}</div>
        <p class="swatches small muted">
          <span>– – the activation</span><span>—— its polynomial</span
          ><span>shaded: how often an argument was seen there</span>
        </p> `
    }${drawn.length < approximations.length && table(approximations, escapes)}
  </section> `;
}

function chartFigure(row: ApproximationRow, escapes: Escapes): Markup {
  const { sketch, range } = row;
  return html`<figure>
    <figcaption>
      <h3>${name(row.node ?? row.op)}</h3>
      ${describe(row, escapes)}
    </figcaption>
    ${sketch !== null && activationChart(sketch, range, `${cut(row.op)} (dashed) and a polynomial of degree ${row.degree} over ${rangeText(range)}; largest error ${numberText(row.maxError)}`)}
  </figure> `;
}

type Escapes = ReadonlyMap<string, Escape> | null;

function describe(row: ApproximationRow, escapes: Escapes): Markup {
  const { node, op, degree, method, range, rmsError, maxError } = row;
  const escape = node === null ? undefined : escapes?.get(node);
  return html`${cut(op)} by degree ${degree}, ${cut(method).replace('-', ' ')}, over
    ${rangeText(range)}<span class="sub"
      >error ${numberText(rmsError)} (root mean square), ${numberText(maxError)} at most on the
      data</span
    >${
      escape !== undefined &&
      html`<span class="sub"
        >${escape.escaped} of ${escape.elements} arguments outside of the range, on
        ${escape.escapedImages} of ${escape.images} images; expected: a share of
        ${numberText(escape.predicted)}</span
      >`
    }`;
}

function rangeText([lo, hi]: readonly [number, number]): string {
  return `${numberText(lo)} to ${numberText(hi)}`;
}

function table(rows: readonly ApproximationRow[], escapes: Escapes): Markup {
  const shown = rows.slice(0, mostRows);
  return html`<table>
    <caption>
      ${shown.length} of ${rows.length} activations
    </caption>
    <thead>
      <tr>
        <th scope="col">Layer</th>
        <th scope="col">Polynomial</th>
      </tr>
    </thead>
    <tbody>
      ${shown.map(
        (row) =>
          html`<tr>
            <th scope="row">${name(row.node ?? row.op)}</th>
            <td>${describe(row, escapes)}</td>
          </tr> `,
      )}
    </tbody>
  </table> `;
}
