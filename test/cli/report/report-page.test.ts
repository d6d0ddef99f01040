import { expect, test } from 'vitest';
import { html, markupText, name } from '../../../src/cli/report/html.ts';
import { ticksOf } from '../../../src/cli/report/activation-chart.ts';
import { reportPage } from '../../../src/cli/report/report-page.ts';
import { shortenRows } from '../../../src/cli/report/shorten-rows.ts';
import { leastShare, verdictOf } from '../../../src/cli/report/verdict.ts';
import { timeText } from '../../../src/cli/text/figures.ts';
import { reading } from '../../../src/passes/cost/operation-work.ts';
import { profiles } from '../../../src/passes/cost/profile.ts';
import { secondsOf } from '../../../src/passes/cost/work.ts';
import {
  exampleFacts,
  hostileFacts,
  hostileNames,
  largeFacts,
  measuredFacts,
} from './page-facts.ts';

test('strings are escaped, markup is not, and nothing is made of null and false', () => {
  const bold = html`<b>${'<&>'}</b>`;
  expect(markupText(html`<i title="${`"'`}">${bold}${null}${false}${[1, 'x']}</i>`)).toBe(
    '<i title="&quot;&#39;"><b>&lt;&amp;&gt;</b>1x</i>',
  );
  expect(markupText(html`${'a\u202eb\u0000'}`)).toBe('a\\u{202e}b\\x00');
  expect(markupText(name('/a/b'))).toBe('<bdi>/<wbr />a/<wbr />b</bdi>');
});

test('what a file holds is never taken for markup', () => {
  const forged = JSON.parse('{"text":"<script>","markup":"<script>"}') as never;
  expect(markupText(html`${forged}`)).not.toContain('<script>');
});

test('the page has each section once, a heading for each, and no script', async () => {
  const page = reportPage(await exampleFacts('lola'));
  for (const id of [
    'verdict',
    'network',
    'cost',
    'noise',
    'polynomials',
    'packing',
    'parameters',
    'promises',
  ]) {
    expect(page.split(`id="${id}"`), id).toHaveLength(2);
    expect(page).toContain(`href="#${id}"`);
  }
  expect(page).not.toMatch(/<script|<img|<link|<iframe|style="|https?:\/\//);
  expect(page).toContain('default-src &#39;none&#39;');
});

test('hostile names leave no element, attribute or control character of theirs', async () => {
  const page = reportPage(await hostileFacts());
  expect(page).not.toMatch(/<script|<img|onerror="|onload='/);
  expect(page).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202a-\u202e]/);
  expect(page).toContain('&lt;script&gt;alert(1)&lt;/');
  expect(page).not.toContain(hostileNames[4]!);
});

test('a network of 400 layers gives a page of at most 3 MiB, and says what it left out', async () => {
  const page = reportPage(await largeFacts());
  expect(page.length).toBeLessThan(3 * 2 ** 20);
  expect(page).toContain('… 240 layers more …');
  expect(page).toContain('… 280 layers more …');
});

test('what was simulated and verified stands beside what is predicted', async () => {
  const facts = await measuredFacts();
  const text = reportPage(facts)
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll(/\s+/g, ' ');
  expect(text).toContain('simulated 92.1 %');
  expect(text).toContain('typical: 20.0 bits measured, 21.0 bits simulated');
  expect(text).toContain('polynomials: 1.7 bits against the original network');
  expect(text).toContain(
    `The first layer that goes wrong is ${facts.layers[2]!.name}, by range escape: an error of 0.9 of its values, more than 0.25.`,
  );
  expect(text).toContain('31 of 235200 arguments outside of the range, on 9 of 100 images');
});

test('modelled times are those of the native evaluator, and layers share them out', async () => {
  const { report, layers, ...facts } = await exampleFacts('relu');
  const page = reportPage({ report, layers, ...facts });
  const { native, seal } = report.evaluatorSeconds;
  expect(page).toContain(`<p class="figure">${timeText(native.run * 1000)}</p>`);
  expect(page).toContain('modelled for the native evaluator on one core');
  expect(page).toContain(`${timeText(seal!.run * 1000)} for SEAL in WebAssembly`);
  const shares = layers.map(({ timeShare }) => timeShare);
  expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
  // What a client sent has to be read: the table leaves no time out.
  expect(layers[0]).toMatchObject({ kind: 'input' });
  const { ringDegree, primes, specialPrimes } = report.parameters;
  const size = { ringDegree, primes: primes.length, specialPrimes: specialPrimes.length };
  const seconds = secondsOf(reading(size), profiles.native.seconds);
  expect(layers[0]!.timeShare).toBeCloseTo(seconds / native.run, 3);
  expect(page).toContain('reading a ciphertext, half of it drawn');
  // The second convolution has the most diagonals by far.
  expect(layers[shares.indexOf(Math.max(...shares))]!.name).toBe('/conv2/Conv');
});

test('the verdict follows what was measured', async () => {
  const facts = await exampleFacts('lola');
  const found = (value: number, images: number) => ({ value, images, file: 'run.json' });
  const judged = (original: number, encrypted: number, images: number) =>
    verdictOf({
      ...facts,
      evidence: {
        ...facts.evidence,
        accuracy: {
          original: found(original, images),
          polynomial: found(encrypted, images),
          simulated: null,
          encrypted: found(encrypted, images),
        },
        loss: {
          polynomial: found(original - encrypted, images),
          encrypted: found(original - encrypted, images),
        },
      },
    });
  expect(verdictOf(facts).kind).toBe('attention');
  expect(judged(0.99, 0.99, 1000).kind).toBe('good');
  expect(judged(1, 1, 4)).toMatchObject({
    kind: 'attention',
    reasons: [expect.stringContaining('51 %')],
  });
  expect(judged(0.99, 0.95, 1000)).toMatchObject({ state: 'Runs, and loses accuracy.' });
  // One image of fifty is two points, and no loss.
  expect(judged(1, 0.98, 50).state).toMatch(/^Works/);
  const insecure = { ...facts.plan, facts: { ...facts.plan.facts, insecure: true } };
  expect(verdictOf({ ...facts, plan: insecure }).kind).toBe('bad');
});

test('the least share is the lower end of the interval of Wilson', () => {
  // Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I, method 3.
  expect(leastShare(81 / 263, 263)).toBeCloseTo(0.2553, 4);
  expect(leastShare(0, 20)).toBe(0);
  expect(leastShare(1, 0)).toBe(0);
});

test('rows are left out in the middle, ticks are round numbers', () => {
  expect(shortenRows([1, 2, 3, 4, 5], 4)).toEqual({ first: [1, 2], last: [4, 5], leftOut: 1 });
  expect(ticksOf(-2.97, 2.26, 4)).toEqual([-2, 0, 2]);
  expect(ticksOf(1, 1, 4)).toEqual([]);
});
