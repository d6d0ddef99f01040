import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { reportPage } from '../../src/cli/report/report-page.ts';
import { exampleFacts, hostileFacts, largeFacts, measuredFacts } from '../cli/report/page-facts.ts';
import { openChromium } from './chromium.ts';

// `REPORT_SCREENSHOTS=DIR npm run test:browser` keeps pictures, for people to look at.
const screenshots = process.env['REPORT_SCREENSHOTS'];

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core'), 'utf8');
const layoutFaults = readFileSync(new URL('./layout-faults.js', import.meta.url), 'utf8');

const pages = {
  lola: () => exampleFacts('lola'),
  relu: () => exampleFacts('relu'),
  lenet: () => exampleFacts('lenet'),
  'everything measured': measuredFacts,
  'hundreds of layers': largeFacts,
  'hostile names': hostileFacts,
} as const;

let browser: Browser;
let folder: string;

beforeAll(async () => {
  browser = await openChromium();
  folder = mkdtempSync(join(tmpdir(), 'cipherloom-report-'));
});

afterAll(async () => {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
});

const forms = [360, 1440].flatMap((width) =>
  (['light', 'dark'] as const).map((colorScheme) => ({ width, colorScheme })),
);

describe.each(Object.entries(pages))('the report of %s', (name, factsOf) => {
  const file = (): string => join(folder, `${name.replaceAll(' ', '-')}.html`);

  beforeAll(async () => {
    writeFileSync(file(), reportPage(await factsOf()));
  }, 300_000);

  test.each(forms)('at $width px, $colorScheme', async ({ width, colorScheme }) => {
    await using context = await browser.newContext({
      viewport: { width, height: 900 },
      colorScheme,
    });
    const page = await context.newPage();
    const complaints: string[] = [];
    const requests: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(pathToFileURL(file()).href);

    expect(await page.evaluate(layoutFaults)).toEqual([]);
    await page.evaluate(axe);
    const { violations } = await page.evaluate<AxeResults>(
      "axe.run(document, { resultTypes: ['violations'] })",
    );
    const serious = violations.filter(({ impact }) => impact !== 'minor' && impact !== 'moderate');
    expect(
      serious.map(
        ({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''} ${nodes[0]?.failureSummary ?? ''}`,
      ),
    ).toEqual([]);

    expect(complaints).toEqual([]);
    expect(requests).toEqual([page.url()]);
    if (screenshots !== undefined) {
      mkdirSync(screenshots, { recursive: true });
      const path = join(screenshots, `${name.replaceAll(' ', '-')}-${width}-${colorScheme}.png`);
      await page.screenshot({ path, fullPage: true });
    }
  });

  test('a page that may load and run nothing', async () => {
    await using context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(pathToFileURL(file()).href);
    // What a script in the page would do is refused by its own policy.
    await page.evaluate(
      `document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.ran = 1' }))`,
    );
    expect(await page.evaluate('window.ran')).toBeUndefined();
    const loaded = await page.evaluate<boolean>(
      `fetch('https://example.com/').then(() => true, () => false)`,
    );
    expect(loaded).toBe(false);
    expect(await page.evaluate('document.querySelectorAll("script, iframe, img").length')).toBe(1);
  });
});

interface AxeResults {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
  }[];
}
