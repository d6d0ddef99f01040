import { html, name, type Markup } from './html.ts';
import { shortenRows } from './shorten-rows.ts';

/** A table with a row for each layer; above `mostRows` some are left out in the middle. */
export function layerTable<T extends { readonly name: string }>(
  layers: readonly T[],
  form: {
    readonly mostRows?: number;
    readonly caption: string;
    readonly columns: readonly string[];
    readonly cells: (layer: T) => readonly Markup[];
  },
): Markup {
  const row = (layer: T): Markup =>
    html`<tr>
      <th scope="row">${name(layer.name)}</th>
      ${form.cells(layer).map((cell) => html`<td>${cell}</td>`)}
    </tr> `;
  const { first, last, leftOut } = shortenRows(layers, form.mostRows ?? 160);
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
