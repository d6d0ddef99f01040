import { totalBytes } from '../../../backend/native/native-memory.ts';
import { bitText, byteText, numberText, shareText, timeText } from '../../text/figures.ts';
import { budgetFigures } from '../../check/budget-figures.ts';
import { figureText } from '../../check/verdicts.ts';
import { profiles } from '../../../passes/cost/profile.ts';
import { cut, html, names, type Markup } from '../html.ts';
import { measuringCommand } from '../measuring-command.ts';
import { shownEvaluator, type PageFacts } from '../page-facts.ts';
import type { Finding } from '../read-evidence.ts';
import { verdictOf } from '../verdict.ts';

/** Points of accuracy and the figures that decide, before anything else. */
export function verdictSection(facts: PageFacts): Markup {
  const { kind, state, reasons } = verdictOf(facts);
  return html`<section aria-labelledby="verdict">
    <h2 id="verdict">In short</h2>
    <div class="banner ${kind}">
      <p><strong class="state">${state}</strong> ${summary(facts)}</p>
      ${reasons.map((reason) => html`<p>${reason}</p>`)}
    </div>
    <div class="tiles">
      ${accuracyTile(facts)}${precisionTile(facts)}${securityTile(facts)}${latencyTile(facts)}${memoryTile(facts)}${keysTile(facts)}
    </div>
    ${budgetTable(facts)}${warningList(facts)}
  </section> `;
}

/** Of the evaluator that the page begins with. */
function modelledText({ evaluatorSeconds }: PageFacts['report']): string {
  return timeText(evaluatorSeconds[shownEvaluator].run * 1000);
}

function summary({ report, figures, evidence }: PageFacts): string {
  const { latency } = evidence;
  const time =
    latency !== null
      ? `One evaluation took ${timeText(latency.value.ms)}`
      : `One evaluation takes about ${modelledText(report)}`;
  return `${time}; results are right to about ${Math.floor(report.precisionBits)} bits; the parameters give ${Math.floor(figures.parameters.securityBits)} bits of security.`;
}

function tile(
  title: string,
  figure: Markup | string,
  lines: readonly (Markup | string | null)[],
): Markup {
  return html`<div class="tile">
    <h3>${title}</h3>
    <p class="figure">${figure}</p>
    ${lines.map((line) => line !== null && html`<p class="muted">${line}</p>`)}
  </div> `;
}

function accuracyTile({ evidence }: PageFacts): Markup {
  const { accuracy, agreement } = evidence;
  const { original, polynomial, simulated, encrypted } = accuracy;
  const row = (term: string, found: Finding | null): Markup =>
    html`<dt>${term}</dt>
      <dd>${found === null ? 'not measured' : shareText(found.value)}</dd>`;
  const counts = [
    ...new Set(
      [original, polynomial, simulated, encrypted].flatMap((found) => found?.images ?? []),
    ),
  ];
  const missing = original === null || polynomial === null || encrypted === null;
  return html`<div class="tile">
    <h3>Accuracy</h3>
    <dl>
      ${row('original network', original)}${row('with polynomials', polynomial)}${
        simulated !== null && row('simulated', simulated)
      }${row('encrypted', encrypted)}${agreement !== null && row('agrees with original', agreement)}
    </dl>
    ${counts.length > 0 && html`<p class="muted">on ${counts.join(' and ')} images</p>`}${
      missing &&
      html`<p class="muted">To measure:</p>
        <pre>${measuringCommand}</pre>`
    }
  </div> `;
}

function precisionTile({ report, evidence }: PageFacts): Markup {
  const { precisionBits } = evidence;
  return tile('Precision', bitText(report.precisionBits), [
    'predicted, of the worst output',
    precisionBits === null
      ? 'not measured on ciphertexts'
      : `${precisionBits.value === Infinity ? 'exact' : bitText(precisionBits.value)} measured on ${imagesText(precisionBits.images)}`,
  ]);
}

function securityTile({ figures, plan }: PageFacts): Markup {
  const { securityBits, securityTarget, ringDegree, logQP } = figures.parameters;
  return tile('Security', `${securityBits} bits`, [
    plan.facts.insecure
      ? 'INSECURE: compiled with --insecure'
      : `${securityTarget} asked; by the 2024 guidelines, classical attacks`,
    `N = ${ringDegree}, log2 QP = ${logQP.toFixed(0)}`,
  ]);
}

function latencyTile({ report, evidence }: PageFacts): Markup {
  const { latency } = evidence;
  const modelled = `modelled for ${profiles[shownEvaluator].evaluator}`;
  const { seal } = report.evaluatorSeconds;
  const slower =
    seal === null
      ? 'SEAL cannot run it'
      : `${timeText(seal.run * 1000)} for ${profiles.seal.evaluator}`;
  const batch = report.batch > 1 ? `an execution holds ${report.batch} images` : 'for one image';
  return latency === null
    ? tile('Latency', modelledText(report), [`${modelled}; ${batch}`, slower, 'not measured'])
    : tile('Latency', timeText(latency.value.ms), [
        `measured, median of ${imagesText(latency.images)}, ${latency.value.evaluator}; ${batch}`,
        `${modelledText(report)} ${modelled}`,
        slower,
      ]);
}

function memoryTile({ report, evidence }: PageFacts): Markup {
  const { nativeMemory } = report;
  const { peakMemoryBytes } = evidence;
  return tile('Memory of the server', byteText(totalBytes(nativeMemory)), [
    `modelled, native evaluator: ${byteText(nativeMemory.keyBytes)} of keys, ${byteText(nativeMemory.plaintextBytes)} of weights, ${byteText(nativeMemory.workingBytes)} of values`,
    peakMemoryBytes === null
      ? null
      : `${byteText(peakMemoryBytes.value)} measured, of a process that also held the client`,
  ]);
}

function keysTile({ figures }: PageFacts): Markup {
  return tile('Keys', byteText(figures.keyBytes), [
    `sent once by each client: ${figures.rotationKeys} rotations`,
    `then ${byteText(figures.inputCiphertextBytes)} in and ${byteText(figures.outputCiphertextBytes)} out with each request`,
  ]);
}

function budgetTable({ evidence }: PageFacts): Markup | null {
  const { budgets } = evidence;
  if (budgets === null || budgets.length === 0) return null;
  return html`<table>
    <caption>
      Budgets, as check found them
    </caption>
    <thead>
      <tr>
        <th scope="col">Figure</th>
        <th scope="col">Is</th>
        <th scope="col">Budget</th>
      </tr>
    </thead>
    <tbody>
      ${budgets.slice(0, mostBudgets).map(({ name, figure, limit, bound, met, source }) => {
        const known = budgetFigures.find((own) => own.name === name);
        const text = (value: number): string =>
          known === undefined ? numberText(value) : figureText(known.unit, value);
        return html`<tr>
          <th scope="row">${wordsOf(cut(name))}</th>
          <td>${text(figure)}<span class="sub">${cut(source)}</span></td>
          <td>
            ${bound === 'least' ? 'at least' : 'at most'} ${text(limit)}
            <span class="${met ? 'met' : 'missed'}"> ${met ? 'met' : 'missed'}</span>
          </td>
        </tr> `;
      })}
    </tbody>
  </table> `;
}

/** `keyBytes` → `key bytes` */
function wordsOf(name: string): string {
  return name.replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

const mostBudgets = 100;
const mostWarnings = 20;

function warningList({ report, evidence }: PageFacts): Markup | null {
  const { warnings } = report;
  const lines = [
    ...warnings
      .slice(0, mostWarnings)
      .map(({ message, id }) => html`${cut(message)} <span class="code">${id}</span>`),
    ...(warnings.length > mostWarnings
      ? [html`${warnings.length - mostWarnings} warnings more`]
      : []),
    ...(evidence.foreign.length === 0
      ? []
      : [html`Results of another plan are not shown: ${names(evidence.foreign)}`]),
  ];
  if (lines.length === 0) return null;
  return html`<div class="note">
    <ul>
      ${lines.map((line) => html`<li>${line}</li>`)}
    </ul>
  </div> `;
}

function imagesText(images: number): string {
  return images === 1 ? 'one image' : `${images} images`;
}
