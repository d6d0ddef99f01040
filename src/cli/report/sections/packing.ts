import { layoutsOf, pictureOf } from '../../../backend/report/draw-layouts.ts';
import { shapeText, timeText } from '../../text/figures.ts';
import { reasonOf } from '../../text/packing-page.ts';
import { cut, html, name, type Markup } from '../html.ts';
import { layerTable } from '../layer-table.ts';
import type { PageFacts } from '../page-facts.ts';

const mostPictures = 12;
/** A finer picture is left out: it would be noise to the eye. */
const mostPictureLength = 160_000;
const mostRows = 120;

/** How values lie in the slots of ciphertexts. */
export function packingSection({ plan, report }: PageFacts): Markup {
  const layouts = layoutsOf(plan.program);
  const distinct = [...new Map(layouts.map((own) => [JSON.stringify(own.layout), own])).values()];
  const pictures = distinct
    .slice(0, mostPictures)
    .map((own) => ({ ...own, picture: pictureOf(own.layout) }));
  const { choices } = report;
  return html`<section aria-labelledby="packing">
    <h2 id="packing">How values lie in ciphertexts</h2>
    <p>
      A ciphertext is a vector of
      ${plan.program.modulus === null ? '' : plan.program.modulus.ringDegree / 2} slots, computed on
      all at once. Where an element lies decides which rotations a layer needs. Below, a square is a
      slot: a colour is a ${report.batch > 1 ? 'image of the batch' : 'channel'}, a shade its
      position from first to last; pale are further copies, grey is unused.
    </p>
    <div class="curves">
      ${pictures.map(({ name: node, layout, picture }) => {
        const of =
          layout.ciphertexts === 1
            ? 'one ciphertext'
            : `the first of ${layout.ciphertexts} ciphertexts`;
        const caption = `${shapeText(layout.shape)} in ${of}, ${picture.used} of ${layout.slots} slots used`;
        return html`<figure>
          <figcaption>
            <h3>${name(node)}</h3>
            ${caption}
          </figcaption>
          ${
            picture.paths.reduce((sum, [, path]) => sum + path.length, 0) > mostPictureLength
              ? html`<p class="small muted">Too fine to draw.</p>`
              : html`<svg
                  class="slots"
                  viewBox="0 0 ${picture.columns} ${picture.rows}"
                  shape-rendering="crispEdges"
                  role="img"
                  aria-label="${caption}"
                >
                  ${picture.paths.map(([colour, path]) => html`<path fill="${colour}" d="${path}" />`)}
                </svg>`
          }
        </figure> `;
      })}
    </div>
    ${distinct.length > mostPictures && html`<p class="small muted">${distinct.length - mostPictures} layouts more are not drawn; <code>compile --explain</code> draws all.</p>`}
    ${
      choices.length === 0
        ? html`<p>
            ${report.batch > 1 ? 'One feature a ciphertext, the images of the batch in its slots: nothing rotates.' : 'The layouts considered were not recorded.'}
          </p>`
        : layerTable(
            choices.map((choice) => ({ ...choice, name: choice.node ?? 'a value' })),
            {
              mostRows,
              caption: 'The layouts chosen make the whole network cheapest, by modelled time',
              columns: ['Layout', 'Why'],
              cells(choice) {
                const chosen = choice.candidates.find(({ name: own }) => own === choice.chosen);
                return [
                  html`${cut(choice.chosen)}${
                    chosen !== undefined &&
                    html`<span class="sub">${timeText(chosen.seconds * 1000)} modelled</span>`
                  }`,
                  html`${choice.candidates.length} considered<span class="sub"
                      >${cut(reasonOf(choice))}</span
                    >`,
                ];
              },
            },
          )
    }
  </section> `;
}
