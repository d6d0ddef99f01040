import { profiles } from '../../../passes/cost/profile.ts';
import type { OpCost } from '../../../ir/define-op.ts';
import { shareText, timeText } from '../../text/figures.ts';
import { bar } from '../bar.ts';
import { html, type Markup } from '../html.ts';
import { layerTable } from '../layer-table.ts';
import { shownEvaluator, type PageFacts } from '../page-facts.ts';

/** Where the time of an evaluation goes. */
export function costSection({ layers, report }: PageFacts): Markup {
  const busy = layers.filter(({ kind, timeShare }) => kind !== 'input' || timeShare > 0);
  const most = Math.max(0, ...busy.map(({ timeShare }) => timeShare));
  const costliest = busy.find(({ timeShare }) => timeShare === most);
  const { native, seal } = report.evaluatorSeconds;
  const shown = report.evaluatorSeconds[shownEvaluator].run;
  return html`<section aria-labelledby="cost">
    <h2 id="cost">Where the time goes</h2>
    <p>
      One evaluation on ${profiles.native.evaluator} is modelled at ${timeText(native.run * 1000)},
      the first of a session at ${timeText(native.first * 1000)};
      ${
        seal === null
          ? 'SEAL in WebAssembly cannot run this plan'
          : `on ${profiles.seal.evaluator} it takes ${timeText(seal.run * 1000)}`
      }.${
        costliest !== undefined && most >= 0.5
          ? html` Most of it, ${shareText(round(most))}, is one layer.`
          : null
      }
      Rotations move values between slots, and switch keys: they are what costs.
    </p>
    ${layerTable(busy, {
      caption: 'Share of the native evaluator’s modelled time, and the operations on ciphertexts',
      columns: ['Time', 'Work'],
      cells: ({ kind, timeShare, cost, ciphertexts }) => [
        html`${shareText(round(timeShare))}<span class="sub"
            >${timeText(timeShare * shown * 1000)}</span
          >${bar(most > 0 ? timeShare / most : 0)}`,
        html`${kind === 'input' ? readingText(ciphertexts) : workText(cost)}`,
      ],
    })}
  </section> `;
}

const units: readonly (readonly [keyof OpCost, string, string])[] = [
  ['rotations', 'rotation', 'rotations'],
  ['plainMultiplications', 'plaintext product', 'plaintext products'],
  ['ciphertextMultiplications', 'ciphertext product', 'ciphertext products'],
  ['relinearisations', 'relinearisation', 'relinearisations'],
  ['rescales', 'rescale', 'rescales'],
];

/** The half of a ciphertext that is random is sent as a seed. */
function readingText(ciphertexts: number): string {
  return ciphertexts === 1
    ? 'reading a ciphertext, half of it drawn from its seed'
    : `reading ${ciphertexts} ciphertexts, half of each drawn from its seed`;
}

function workText(cost: OpCost): string {
  const parts = units
    .filter(([name]) => cost[name] > 0)
    .map(([name, one, more]) => `${cost[name]} ${cost[name] === 1 ? one : more}`);
  return parts.length === 0 ? 'sums only' : parts.join(', ');
}

/** A tenth of a percent. */
function round(share: number): number {
  return Math.round(share * 1000) / 1000;
}
