import { fullOutputs } from '../../../layout/full-outputs.ts';
import { numberText } from '../../text/figures.ts';
import { html, type Markup } from '../html.ts';
import type { PageFacts } from '../page-facts.ts';

/** What nobody should take from the page. */
export function promiseSection({ plan, client, report, evidence }: PageFacts): Markup {
  const { operations } = plan.program;
  const seen = operations.filter(({ type }) => type.range?.source === 'calibrated').length;
  const { rangeEscape, insecure } = plan.facts;
  const full = fullOutputs(client);
  const points: readonly (readonly [string, string] | null)[] = [
    insecure ? ['Security', 'There is none: the parameters are below 128 bits.'] : null,
    [
      'That results may be published',
      'Exact decrypted values tell something of the key (IND-CPA-D): give others rounded results only, or labels.',
    ],
    [
      'That the server is honest',
      'It learns nothing of the input, but nothing proves that it ran this network. It can also send what makes the client err: do not report to it whether an answer was useful (chosen-ciphertext attacks).',
    ],
    [
      'That the network stays secret',
      'The client holds no weights, but answers and their noise tell something of the network (no circuit privacy).',
    ],
    [
      'Side channels on the client',
      'WebAssembly and JavaScript may take times that depend on the key, and leave it in memory that was freed.',
    ],
    seen === 0
      ? null
      : [
          'Right answers to unusual inputs',
          `${seen} of ${operations.length} ranges were seen on calibration data, not proved. A value that leaves its range makes a wrong answer that nobody notices; ${
            rangeEscape === null
              ? 'with which probability was not computed'
              : `the predicted probability is ${numberText(rangeEscape)} an execution`
          }. Inputs outside of the declared range are refused.`,
        ],
    seen === 0 || full.length === 0
      ? null
      : [
          'That every wrapped result is noticed',
          `${full.join(', ')} has an element in every slot, and none that must be zero. The client refuses values beyond the bound there; what wrapped and ends inside of it looks like a result.`,
        ],
    report.approximations.length === 0
      ? null
      : [
          'The answers of the original network',
          `${report.approximations.length} activations are polynomials here. Only a measurement on your data tells what that costs.`,
        ],
    [
      'Times',
      evidence.latency === null
        ? 'They are modelled from a committed profile of one processor core, not measured on yours.'
        : 'They were measured on one machine, and depend on it.',
    ],
    [
      'Precision on every input',
      'The predicted precision is a bound for the worst slot with a small probability of failure, computed with typical magnitudes; it is no proof.',
    ],
  ];
  return html`<section aria-labelledby="promises">
    <h2 id="promises">What is not promised</h2>
    <ul class="plain">
      ${points.map(
        (point) => point !== null && html`<li><strong>${point[0]}.</strong> ${point[1]}</li> `,
      )}
    </ul>
  </section> `;
}
