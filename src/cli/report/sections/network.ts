import type { PlanLayer } from '../../../backend/report/plan-layers.ts';
import { html, name, type Markup } from '../html.ts';
import { networkGraph, swatch } from '../network-graph.ts';
import type { PageFacts } from '../page-facts.ts';

/** The network as it runs on ciphertexts. */
export function networkSection({ plan, layers, report }: PageFacts): Markup {
  const { levels } = report.parameters;
  const polynomials = new Map(
    report.approximations.flatMap(({ node, op, degree }) =>
      node === null ? [] : [[node, `${op} → degree ${degree}`] as const],
    ),
  );
  const { outputs, publicPart } = plan.program;
  const steps = [...new Set(outputs.flatMap(({ postprocess }) => postprocess.map(({ op }) => op)))];
  return html`<section aria-labelledby="network">
    <h2 id="network">The network, encrypted</h2>
    <p>
      Each box is a node of the model, with what was merged into it. Every multiplication in a row
      uses up a level: the plan has the ${levels} that it needs.
    </p>
    <div class="split">
      ${networkGraph(layers, { levels, polynomials, outputs: outputs.map((output) => output.name), steps })}
      <div>
        <h3>How to read it</h3>
        <ul class="legend">
          <li>
            ${swatch('k-linear')}<span
              >linear map: convolution, dense layer, pool, normalisation</span
            >
          </li>
          <li>
            ${swatch('k-product')}<span
              >polynomial, or product of values: squares and what replaces an activation</span
            >
          </li>
          <li>${swatch('k-sum')}<span>sum, as at the end of a residual block</span></li>
          <li>${swatch('left')}<span>a level that is left in the result</span></li>
          <li>${swatch('spent')}<span>a level that this box used</span></li>
        </ul>
        <p>
          <strong>Level.</strong> A ciphertext starts with ${levels} levels. A box lowers its result
          by as many as it has multiplications in a row; at level 0 nothing can be multiplied any
          more.
        </p>
        <p>
          <strong>Scale.</strong> Numbers are stored as integers, multiplied by the scale:
          2^${Math.round(scaleOf(layers))} leaves about as many bits behind the point. Noise takes
          some of them, see <a href="#noise">precision</a>.
        </p>
        <p>
          <strong>Ciphertexts.</strong> How many of them hold the result. One has
          ${report.parameters.ringDegree / 2} slots, a number in each.
        </p>
        ${deepest(layers)}
        ${publicPart !== undefined && html`<p><strong>In the clear.</strong> What depends on public inputs alone is computed by the server without encryption: ${publicPart.operations.length} operations.</p>`}
      </div>
    </div>
  </section> `;
}

function scaleOf(layers: readonly PlanLayer[]): number {
  return layers[0]?.scaleBits ?? 0;
}

/** The layers that use most levels. */
function deepest(layers: readonly PlanLayer[]): Markup | null {
  const uses = ({ levelBefore, level }: PlanLayer): number => levelBefore - level;
  const most = Math.max(0, ...layers.map(uses));
  if (most < 2) return null;
  const [first, ...others] = layers.filter((layer) => uses(layer) === most);
  return html`<p>
    <strong>Deepest.</strong> ${first !== undefined && name(first.name)} uses ${most}
    levels${
      others.length > 0 &&
      html`, as ${others.length === 1 ? 'does one layer' : `do ${others.length} layers`} more`
    }.
    A polynomial of lower degree, or one activation less, makes the whole plan smaller and faster.
  </p>`;
}
