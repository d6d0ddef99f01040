import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const places = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** A Chromium of the machine; an error where there is none, since nothing is downloaded. */
export async function openChromium(): Promise<Browser> {
  const given = process.env['CHROMIUM'];
  const executablePath = given ?? places.find((path) => existsSync(path));
  if (executablePath === undefined) {
    throw new Error('there is no Chromium: apt-get install chromium, or CHROMIUM=/path/to/it');
  }
  // In a container there is often no user but root, for whom Chromium has no sandbox.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
}
