import { log2OfBigInt, maxModulusBits } from '../../../layout/security.ts';
import { byteText } from '../../text/figures.ts';
import { cut, html, name, names, type Markup, type Part } from '../html.ts';
import type { PageFacts } from '../page-facts.ts';

/** What the plan is made of, for those who check it. */
export function parameterSection({ plan, client, figures, report, evidence }: PageFacts): Markup {
  const { ringDegree, logQP, levels, primes, specialPrimes, securityBits, securityTarget } =
    figures.parameters;
  const allowed = maxModulusBits(ringDegree, securityTarget);
  const rows: readonly (readonly [string, Part])[] = [
    ['Model', name(client.name)],
    ['Made by', `${cut(report.producer)}, objective ${report.objective}, target ${report.target}`],
    ['Plan (SHA-256)', html`<span class="code">${client.planHash}</span>`],
    [
      'Model (SHA-256)',
      html`<span class="code">${plan.facts.modelDigest ?? 'not recorded'}</span>`,
    ],
    ['Ring degree N', `${ringDegree}: ${ringDegree / 2} slots`],
    ['Levels', levels],
    ['Security', `${securityBits} bits, ${securityTarget} asked`],
    ['Images an execution', client.batch],
    [
      'Rotation keys',
      `${figures.rotationKeys}, and ${client.keys.relinearisation === null ? 'no' : 'a'} relinearisation key`,
    ],
    [
      'Evaluation keys',
      `${byteText(figures.keyBytes)} sent, ${byteText(figures.residentKeyBytes)} expanded`,
    ],
    [
      'A request',
      `${byteText(figures.inputCiphertextBytes)} in, ${byteText(figures.outputCiphertextBytes)} out`,
    ],
    ...client.inputs.map(
      (input) =>
        [
          'Input',
          html`${name(input.name)}: [${input.shape.join(', ')}], values from ${input.range[0]} to
          ${input.range[1]}`,
        ] as const,
    ),
    ...client.outputs.map(
      (output) => ['Output', html`${name(output.name)}: [${output.shape.join(', ')}]`] as const,
    ),
    ['Results shown', evidence.files.length === 0 ? 'none in the folder' : names(evidence.files)],
  ];
  return html`<section aria-labelledby="parameters">
    <h2 id="parameters">Parameters</h2>
    <dl class="facts">
      ${rows.map(
        ([term, value]) =>
          html`<dt>${term}</dt>
            <dd>${value}</dd> `,
      )}
    </dl>
    <h3>The modulus</h3>
    <p>
      log2 of Q·P is ${logQP.toFixed(1)}
      bits${
        allowed > 0
          ? html`; the 2024 security guidelines allow ${allowed} at N = ${ringDegree} for
            ${securityTarget} bits`
          : null
      }.
      A larger modulus has room for more levels, and is easier to attack.
    </p>
    ${modulusBar(primes, specialPrimes, Math.max(allowed, logQP))}
    <p class="small">
      <span class="muted">Data primes, q_0 first:</span>
      <span class="code">${primes.join(', ')}</span>
    </p>
    <p class="small">
      <span class="muted">Special primes:</span>
      <span class="code">${specialPrimes.join(', ')}</span>
    </p>
  </section> `;
}

/** Primes side by side; the whole width is what security allows. */
function modulusBar(primes: readonly string[], special: readonly string[], total: number): Markup {
  let at = 0;
  const piece = (prime: string, kind: string): Markup => {
    const bits = log2OfBigInt(BigInt(prime));
    const from = at;
    at += bits;
    const percent = (share: number): string => `${((100 * share) / total).toFixed(2)}%`;
    return html`<rect
      class="${kind}"
      x="${percent(from)}"
      width="${percent(Math.max(0, bits - total / 250))}"
      height="16"
    />`;
  };
  return html`<svg
      width="100%"
      height="16"
      role="img"
      aria-label="${primes.length} data primes and ${special.length} special, beside the bits that security allows"
    >
      <rect class="track" width="100%" height="16" />
      ${primes.map((prime) => piece(prime, 'fill'))}${special.map((prime) => piece(prime, 'fill2'))}
    </svg>
    <p class="small muted">
      Blue: data primes. Orange: special primes, for key switching. Grey: what the guidelines leave.
    </p> `;
}
