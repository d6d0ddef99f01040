import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildBrowser } from '../../scripts/build-browser.ts';
import { createImageDecoder } from '../../src/frontend/images/decode-image.ts';
import { loadDecoders } from '../../src/frontend/images/load-decoders.ts';
import { squareImage } from '../../src/frontend/images/square-image.ts';
import { parseNpy } from '../../src/frontend/npy/read-npy.ts';
import { cipherloom } from '../cli/spawn-program.ts';
import { dataPath } from '../support/data.ts';
import { openChromium } from './chromium.ts';
import { findSecret } from './find-secret.ts';
import { recordingProxy, type RecordingProxy } from './recording-proxy.ts';
import { serveFiles, type FileServer } from './serve-files.ts';
import { serveModel, type ModelServer } from './serve-model.ts';

// `WEB_SCREENSHOTS=DIR npm run test:browser` keeps pictures, for people to look at.
const screenshots = process.env['WEB_SCREENSHOTS'];

const root = join(import.meta.dirname, '../..');
const mnist = (file: string): string => join(root, 'examples/mnist', file);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core'), 'utf8');
const layoutFaults = readFileSync(new URL('./layout-faults.js', import.meta.url), 'utf8');

/** A network for photos, small enough to compile here: which of three colours is the strongest. */
const photoProgram = `
import { defineProgram } from 'cipherloom/dsl';
const plane = 24 * 24;
const weights = Array.from({ length: 3 * plane }, (_, i) =>
  [0, 1, 2].map((colour) => (Math.floor(i / plane) === colour ? 8 / plane : 0)),
);
export default defineProgram('photo', ({ input }) => {
  const image = input('image', [1, 3, 24, 24], { range: [0, 1] });
  return { colour: image.reshape([1, 3 * plane]).dense(weights) };
});
`;

let folder: string;
let browser: Browser;
let server: ModelServer;
let proxy: RecordingProxy;
let site: FileServer;
const complaints: string[] = [];
/** Addresses that the pages, and their workers, asked for. */
const requested: string[] = [];

async function compile(model: string, out: string, ...options: string[]): Promise<void> {
  const { status, stderr } = await cipherloom('compile', model, '-o', out, ...options);
  expect(status, stderr).toBe(0);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cipherloom-web-'));
  browser = await openChromium();
  const photo = join(folder, 'photo.ts');
  writeFileSync(photo, photoProgram);
  await compile(
    mnist('lola.onnx'),
    join(folder, 'lola'),
    '--calibration',
    mnist('calibration.npy'),
  );
  await compile(photo, join(folder, 'photo'));
  await build({
    root: join(root, 'examples/web'),
    logLevel: 'warn',
    build: { outDir: join(folder, 'site'), emptyOutDir: true },
  });
  site = await serveFiles(join(folder, 'site'), ['http://127.0.0.1:*']);
  server = await serveModel(
    [join(folder, 'lola'), join(folder, 'photo')],
    ['--cors', site.origin, '--key-store', join(folder, 'keys'), '--log-level', 'warn'],
  );
  proxy = await recordingProxy(server.url);
}, 900_000);

afterAll(async () => {
  await browser.close();
  await proxy[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await site[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

async function openPage(context: BrowserContext, model: string): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(240_000);
  page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => complaints.push(error.message));
  context.on('request', (request) => requested.push(request.url()));
  await page.goto(`${site.origin}/?server=${encodeURIComponent(proxy.url)}&model=${model}`);
  return page;
}

/** Wait for a text of the status line, or fail with the error that the page shows. */
async function statusOf(page: Page, wanted: RegExp): Promise<string> {
  // Asked from outside: what Playwright polls with inside the page is `eval`, which the policy forbids.
  for (const end = Date.now() + 240_000; Date.now() < end;) {
    const { status, error } = await page.evaluate<{ status: string; error: string }>(
      `({
        status: document.querySelector('#status').textContent,
        error: document.querySelector('#error:not([hidden])')?.innerText ?? '',
      })`,
    );
    if (error !== '') throw new Error(`the page says: ${error}`);
    if (wanted.test(status)) return status;
    await setTimeout(20);
  }
  throw new Error(`the page did not come to say ${String(wanted)}`);
}

async function makeKeys(page: Page): Promise<string> {
  await statusOf(page, /^Connected/);
  await page.getByRole('button', { name: 'Make keys' }).click();
  return statusOf(page, /^Keys are/);
}

/** Send what is chosen; the class that the page shows as the answer. */
async function answerOf(page: Page): Promise<string> {
  await page.getByRole('button', { name: 'Encrypt and send' }).click();
  await statusOf(page, /^Done/);
  return (await page.locator('#answer').innerText()).split(',')[0]!;
}

async function expectSound(page: Page, name: string): Promise<void> {
  for (const [width, colorScheme] of [
    [1440, 'light'],
    [360, 'light'],
    [360, 'dark'],
    [1440, 'dark'],
  ] as const) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    expect(await page.evaluate(layoutFaults), `${name} at ${width} px, ${colorScheme}`).toEqual([]);
    await page.evaluate(axe);
    const violations = await page.evaluate<{ id: string; impact: string; html: string }[]>(
      `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
        violations.map(({ id, impact, nodes }) => ({ id, impact, html: nodes[0].html })))`,
    );
    const serious = violations.filter(({ impact }) => impact !== 'minor' && impact !== 'moderate');
    expect(serious, `${name} at ${width} px, ${colorScheme}`).toEqual([]);
    if (screenshots === undefined) continue;
    mkdirSync(screenshots, { recursive: true });
    const path = join(screenshots, `${name}-${width}-${colorScheme}.png`);
    await page.screenshot({ path, fullPage: true });
  }
  await page.setViewportSize({ width: 1280, height: 1000 });
  await page.emulateMedia({ colorScheme: 'light' });
}

describe('digits', () => {
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    context = await browser.newContext({ viewport: { width: 1280, height: 1000 } });
    page = await openPage(context, 'lola');
  });
  afterAll(async () => {
    await context.close();
  });

  test('connect and make keys, kept in the browser', async () => {
    await statusOf(page, /^Connected/);
    await expectSound(page, 'connected');
    await page.getByRole('checkbox', { name: /Keep the secret key/ }).check();
    expect(await makeKeys(page)).toMatch(/^Keys are new: .* MiB sent/);
    await expectSound(page, 'keys');
  });

  test('the ten digits of MNIST, drawn on the canvas, are read right', async () => {
    const digits = parseNpy(readFileSync(join(root, 'examples/web/src/digits.npy')), 'digits.npy');
    for (let digit = 0; digit < 10; digit++) {
      const image = Array.from(digits.data.slice(digit * 784, (digit + 1) * 784), Number);
      await page.evaluate(
        `((image) => {
          const small = new OffscreenCanvas(28, 28);
          const context = small.getContext('2d');
          const data = context.createImageData(28, 28);
          image.forEach((value, k) => data.data.set([value, value, value, 255], 4 * k));
          context.putImageData(data, 0, 0);
          const pad = document.querySelector('#pad');
          pad.getContext('2d').drawImage(small, 0, 0, pad.width, pad.height);
          pad.dispatchEvent(new Event('lostpointercapture'));
        })(${JSON.stringify(image)})`,
      );
      expect(await answerOf(page)).toBe(String(digit));
    }
    await expectSound(page, 'answer');
  });

  test('a digit drawn with the mouse', async () => {
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.locator('#pad').scrollIntoViewIfNeeded();
    const pad = (await page.locator('#pad').boundingBox())!;
    const move = (x: number, y: number, steps = 10): Promise<void> =>
      page.mouse.move(pad.x + x * pad.width, pad.y + y * pad.height, { steps });
    await move(0.3, 0.25, 1);
    await page.mouse.down();
    await move(0.7, 0.25);
    await move(0.45, 0.8);
    await page.mouse.up();
    expect(await answerOf(page)).toBe('7');
  });

  test('a sample chosen with the keyboard alone', async () => {
    await page.getByRole('radio').first().focus();
    await page.keyboard.press('Space');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.getByRole('button', { name: 'Encrypt and send' }).focus();
    await page.keyboard.press('Enter');
    await statusOf(page, /^Done/);
    expect(await page.locator('#answer').innerText()).toMatch(/^2,/);
  });

  test('P3: nothing of the secret key was sent, and none rests in the open', async () => {
    // This origin may use the wrapping key; that is how the test knows what to look for.
    const rest = await page.evaluate<{ secret: string; wrapped: string; exported: string }>(`
      new Promise((resolve, reject) => {
        const open = indexedDB.open('cipherloom');
        open.onerror = () => reject(open.error);
        open.onsuccess = () => {
          const all = open.result.transaction('secret-keys').objectStore('secret-keys').getAll();
          all.onsuccess = async () => {
            const [{ planHash, wrappingKey, iv, wrapped }] = all.result;
            const additionalData = Uint8Array.from(planHash.match(/../g), (hex) => parseInt(hex, 16));
            const secret = await crypto.subtle.decrypt(
              { name: 'AES-GCM', iv, additionalData }, wrappingKey, wrapped);
            const exported = await crypto.subtle.exportKey('raw', wrappingKey)
              .then(() => 'exported', (error) => error.name);
            const hex = (bytes) => new Uint8Array(bytes).toHex();
            resolve({ secret: hex(secret), wrapped: hex(wrapped), exported });
            open.result.close();
          };
        };
      })`);
    const secret = Buffer.from(rest.secret, 'hex');
    // The head names the plan, as public files do; the key comes after it.
    const key = secret.subarray(128);
    expect(secret.subarray(0, 7).toString('latin1')).toBe('CLOOMSK');
    expect(key.length).toBeGreaterThan(2 ** 18);
    expect(rest.exported).toBe('InvalidAccessError');
    expect(findSecret(Buffer.from(rest.wrapped, 'hex'), key)).toEqual([]);
    const origins = new Set(requested.map((url) => new URL(url).origin));
    expect([...origins].sort()).toEqual([proxy.url, site.origin].sort());
    const trace = Buffer.concat([proxy.sent(), Buffer.from(requested.join('\n'))]);
    expect(trace.length).toBeGreaterThan(20 * 2 ** 20);
    expect(findSecret(trace, key)).toEqual([]);
    expect(findSecret(Buffer.from(server.log()), key)).toEqual([]);
  });

  test('forgotten keys are gone from browser and server', async () => {
    await page.getByRole('button', { name: 'Forget keys' }).click();
    await statusOf(page, /^The keys are removed/);
    expect(await page.getByRole('button', { name: 'Encrypt and send' }).isDisabled()).toBe(true);
    const left = await page.evaluate(`new Promise((resolve) => {
      const open = indexedDB.open('cipherloom');
      open.onsuccess = () => {
        const count = open.result.transaction('secret-keys').objectStore('secret-keys').count();
        count.onsuccess = () => { resolve(count.result); open.result.close(); };
      };
    })`);
    expect(left).toBe(0);
  });

  test('cancelled, and begun again', async () => {
    await page.getByRole('button', { name: 'Make keys' }).click();
    await statusOf(page, /^Making evaluation keys: /);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await statusOf(page, /^Cancelled/);
    await page.getByRole('button', { name: 'Make keys' }).click();
    await statusOf(page, /^Keys are/);
  });

  test('an error says what is wrong and what to do', async () => {
    expect(complaints.splice(0)).toEqual([]);
    await page.getByLabel('Model').fill('nothing');
    await page.getByRole('button', { name: 'Connect' }).click();
    await page.locator('#error').waitFor();
    const words = await page.locator('#error').innerText();
    expect(words).toMatch(/no such model/);
    expect(words).toMatch(/What to do: /);
    await expectSound(page, 'error');
    // The console names the 404, which is the server's answer.
    expect(complaints.splice(0).filter((text) => !text.includes('404'))).toEqual([]);
  });
});

test('a page that is reloaded in the middle of the upload goes on with it', async () => {
  await using context = await browser.newContext();
  const page = await openPage(context, 'lola');
  await statusOf(page, /^Connected/);
  await page.getByRole('checkbox', { name: /Keep the secret key/ }).check();
  await page.getByRole('button', { name: 'Make keys' }).click();
  await statusOf(page, /^Making evaluation keys: /);
  const before = proxy.sent().length;
  // Two parts of 4 MiB arrive, the third stays half sent.
  proxy.allow(10 * 2 ** 20);
  await statusOf(page, /^Uploading evaluation keys: 8\.0 MiB/);
  await page.reload();
  proxy.allow(Infinity);
  const status = await makeKeys(page);
  expect(status).toMatch(/^Keys are those kept in this browser/);
  const [, had] = /([\d.]+) MiB were on the server already/.exec(status) ?? [];
  expect(Number(had)).toBeGreaterThanOrEqual(8);
  const [, sent] = /([\d.]+) MiB sent/.exec(status) ?? [];
  expect(Number(sent) + Number(had)).toBeCloseTo(21.1, 0);
  expect(proxy.sent().length - before).toBeLessThan(27 * 2 ** 20);
  await page.getByRole('radio').nth(3).check();
  expect(await answerOf(page)).toBe('3');
  expect(complaints.splice(0)).toEqual([]);
});

/** Pixels of what the page shows as its input, red, green, blue and alpha. */
function shownOn(page: Page): Promise<number[]> {
  return page.evaluate<number[]>(`(() => {
    const canvas = document.querySelector('#preview');
    const copy = new OffscreenCanvas(canvas.width, canvas.height);
    // The page's own canvas is not for reading, and the browser would say so.
    const context = copy.getContext('2d', { willReadFrequently: true });
    context.drawImage(canvas, 0, 0);
    return [...context.getImageData(0, 0, copy.width, copy.height).data];
  })()`);
}

test('photos: the page resizes as melanoma:prepare does, and gets the right answer', async () => {
  await using context = await browser.newContext();
  const page = await openPage(context, 'photo');
  await makeKeys(page);
  const decode = await createImageDecoder(await loadDecoders());
  /** What `melanoma:prepare` makes of a file. */
  const expectedOf = async (file: Uint8Array<ArrayBuffer>): Promise<number[]> => {
    const planes = squareImage(await decode(file), 24, 'area');
    return Array.from({ length: 4 * 576 }, (_, i) =>
      i % 4 === 3 ? 255 : planes[(i % 4) * 576 + Math.floor(i / 4)]!,
    );
  };
  const colours = ['strongest in red', 'in green', 'in blue'];
  for (const [k, type] of ['image/jpeg', 'image/png', 'image/jpeg'].entries()) {
    const bytes = await page.evaluate<number[]>(`(async () => {
      const canvas = new OffscreenCanvas(${300 + 57 * k}, ${211 + 90 * k});
      const context = canvas.getContext('2d');
      const image = context.createImageData(canvas.width, canvas.height);
      for (let i = 0; i < image.data.length; i++) {
        const wave = 90 + 60 * Math.sin(i * i / 77777) + 30 * Math.cos(i / 999);
        image.data[i] = i % 4 === 3 ? 255 : i % 4 === ${k} ? wave + 70 : wave;
      }
      context.putImageData(image, 0, 0);
      return [...await (await canvas.convertToBlob({ type: '${type}' })).bytes()];
    })()`);
    const file = Uint8Array.from(bytes);
    await page.setInputFiles('#file', {
      name: `photo-${k}`,
      mimeType: type,
      buffer: Buffer.from(file),
    });
    await statusOf(page, /^The photo is ready/);
    expect(await shownOn(page), colours[k]).toEqual(await expectedOf(file));
    expect(await answerOf(page), colours[k]).toBe(String(k));
  }
  await expectSound(page, 'photo');
  // The samples of the melanoma example are photos like any other.
  const sample = 'ISIC_0024647';
  await page.getByRole('radio', { name: `sample photo ${sample}` }).check();
  await page
    .locator('#preview-text', { hasText: `the middle of ${sample}, published as a melanoma` })
    .waitFor();
  const file = readFileSync(join(root, 'examples/melanoma/samples', `${sample}.jpg`));
  expect(await shownOn(page)).toEqual(await expectedOf(new Uint8Array(file)));
  expect(await answerOf(page)).toMatch(/^[012]$/);
  // Real photographs, where the data folder has them: the same bytes as well.
  const folderOfPhotos = dataPath('skin', 'isic2018t1-512');
  const photos = folderOfPhotos === null ? [] : readdirSync(folderOfPhotos).sort().slice(0, 10);
  for (const name of photos) {
    const path = join(folderOfPhotos!, name);
    await page.setInputFiles('#file', path);
    await statusOf(page, /^The photo is ready/);
    expect(await shownOn(page), name).toEqual(await expectedOf(new Uint8Array(readFileSync(path))));
  }
  await page.setInputFiles('#file', {
    name: 'broken.jpg',
    mimeType: 'image/jpeg',
    buffer: Buffer.from([0xff, 0xd8, 0xff, 0xd9]),
  });
  await page.locator('#error').waitFor();
  expect(await page.locator('#error').innerText()).toMatch(/JPEG without a frame header/);
  expect(complaints.splice(0)).toEqual([]);
});

test('a page without a bundler: a script of type module', async () => {
  await buildBrowser(join(folder, 'plain'));
  writeFileSync(
    join(folder, 'plain/index.html'),
    '<!doctype html><html lang="en"><title>plain</title><script type="module" src="page.js"></script>',
  );
  writeFileSync(join(folder, 'plain/favicon.ico'), '');
  await using plain = await serveFiles(join(folder, 'plain'), ['http://127.0.0.1:*']);
  await using strict = await serveModel(
    [join(folder, 'photo')],
    ['--cors', plain.origin, '--key-store', join(folder, 'other-keys'), '--log-level', 'warn'],
  );
  writeFileSync(
    join(folder, 'plain/page.js'),
    `import { BrowserClient } from './index.js';
    const client = await BrowserClient.connect('${strict.url}', { model: 'photo' });
    await client.prepareKeys();
    const image = Float32Array.from({ length: 3 * 576 }, (_, i) => (i < 576 ? 0.25 : i < 1152 ? 1 : 0.5));
    const { outputs, response } = await client.infer({ image });
    const shared = await client.decryptForSharing(response, 8);
    document.title = [...outputs.colour.data].map((value) => value.toFixed(1)).join()
      + ' shared ' + [...shared.outputs.colour.data].join() + ' of ' + shared.shared;`,
  );
  await using context = await browser.newContext();
  const page = await context.newPage();
  page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(`${plain.origin}/`);
  await expect.poll(() => page.title(), { timeout: 120_000 }).toBe('2.0,8.0,4.0 shared 2,8,4 of 1');
  expect(complaints.splice(0)).toEqual([]);
});
