import { createHash } from 'node:crypto';
import { printable } from '../../frontend/printable.ts';
import { cut, html, markupText, name, trusted } from './html.ts';
import type { PageFacts } from './page-facts.ts';
import { costSection } from './sections/cost.ts';
import { networkSection } from './sections/network.ts';
import { noiseSection } from './sections/noise.ts';
import { packingSection } from './sections/packing.ts';
import { parameterSection } from './sections/parameters.ts';
import { polynomialSection } from './sections/polynomials.ts';
import { promiseSection } from './sections/promises.ts';
import { verdictSection } from './sections/verdict.ts';
import { style } from './style.ts';

const sheet = trusted(`<style>${style}</style>`);

/** Nothing may be loaded or run; the style sheet is allowed by its hash. */
const policy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'`;

const contents = [
  ['verdict', 'In short'],
  ['network', 'Network'],
  ['cost', 'Time'],
  ['noise', 'Precision'],
  ['polynomials', 'Activations'],
  ['packing', 'Packing'],
  ['parameters', 'Parameters'],
  ['promises', 'Not promised'],
] as const;

/** The page: one file that needs no script and no network. */
export function reportPage(facts: PageFacts): string {
  const { client, report } = facts;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <meta name="generator" content="${cut(report.producer)}" />
        <title>${printable(client.name)}: encrypted inference report</title>
        ${sheet}
      </head>
      <body>
        <header>
          <p class="over">Encrypted inference report</p>
          <h1>${name(client.name)}</h1>
          <nav aria-label="Contents">
            <ul>
              ${contents.map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>`)}
            </ul>
          </nav>
        </header>
        <main>
          ${verdictSection(facts)}${networkSection(facts)}${costSection(facts)}${noiseSection(facts)}${polynomialSection(facts)}${packingSection(facts)}${parameterSection(facts)}${promiseSection(facts)}
        </main>
        <footer>
          <p>
            Written by cipherloom from the plan
            <span class="code">${client.planHash.slice(0, 16)}</span>, of which every figure that
            can be is recomputed here. The page loads nothing and runs nothing.
          </p>
        </footer>
      </body>
    </html> `;
  return markupText(page);
}
