import { html, name, type Markup } from './html.ts';
import type { PlanLayer } from '../../backend/report/plan-layers.ts';
import { shortenRows } from './shorten-rows.ts';

/** Rows of a table by layer; more are left out in the middle. */
const mostRows = 160;

/** A table with a row for each layer. */
export function layerTable(
  layers: readonly PlanLayer[],
  form: {
    readonly caption: string;
    readonly columns: readonly string[];
    readonly cells: (layer: PlanLayer) => readonly Markup[];
  },
): Markup {
  const row = (layer: PlanLayer): Markup =>
    html`<tr>
      <th scope="row">${name(layer.name)}</th>
      ${form.cells(layer).map((cell) => html`<td>${cell}</td>`)}
    </tr> `;
  const { first, last, leftOut } = shortenRows(layers, mostRows);
  const columns = form.columns.length + 1;
  return html`<table>
    <caption>
      ${form.caption}
    </caption>
    <thead>
      <tr>
        <th scope="col">Layer</th>
        ${form.columns.map((column) => html`<th scope="col">${column}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${first.map(row)}${
        leftOut > 0 &&
        html`<tr>
          <td colspan="${columns}">… ${leftOut} layers more …</td>
        </tr> `
      }${last.map(row)}
    </tbody>
  </table> `;
}
