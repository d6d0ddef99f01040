/** `cipherloom submit` against `cipherloom serve`, killed in the middle and run again. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { formatNpy } from '../../../src/frontend/npy/write-npy.ts';
import { readNpy } from '../../../src/read-npy.ts';
import { startProgram } from '../../service/support/program.ts';
import type { RunningProgram } from '../../service/support/program.ts';
import {
  classes,
  features,
  linearScores,
  writeSmallModel,
} from '../../service/support/small-models.ts';
import { randomSource } from '../../support/random.ts';
import { cipherloom, launcher, spawnProgram } from '../spawn-program.ts';

const images = 24;
let folder = '';
let plan = '';
let server: RunningProgram;
let url = '';
let data: Float32Array<ArrayBuffer>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cipherloom-submit-'));
  plan = await writeSmallModel('linear', folder);
  server = await startProgram('serve', plan, '--port', '0', '--key-store', join(folder, 'store'));
  url = String(server.announced['address']);
  const keys = await cipherloom('keygen', plan, '--out', join(folder, 'keys'));
  expect(keys.status, keys.stderr).toBe(0);
  const random = randomSource(24);
  data = Float32Array.from({ length: images * features }, random);
  writeFileSync(join(folder, 'x.npy'), formatNpy({ shape: [images, features], data }));
}, 300_000);

afterAll(async () => {
  await server.kill();
  rmSync(folder, { recursive: true, force: true });
});

function words(output: string, ...more: readonly string[]): string[] {
  return [
    ...['submit', plan, '--server', url, '--keys', join(folder, 'keys')],
    ...['--input', join(folder, 'x.npy'), '-o', output, '--images', '1', '--json', ...more],
  ];
}

function expectScores(file: string): void {
  const { shape, data: scores } = readNpy(readFileSync(file));
  expect(shape).toEqual([images, classes]);
  for (let k = 0; k < images; k++) {
    const expected = linearScores(data.subarray(k * features, (k + 1) * features));
    for (const [c, score] of expected.entries()) {
      expect(Math.abs(Number(scores[k * classes + c]) - score)).toBeLessThan(2 ** -8);
    }
  }
}

it('goes on where it was interrupted', async () => {
  const output = join(folder, 'y.npy');
  const parts = `${output}.parts`;
  const killed = await spawnProgram(launcher, words(output, '--concurrent', '1'), {
    during: (child) => {
      void (async () => {
        while (!existsSync(parts) || readdirSync(parts).length < 6) await sleep(5);
        child.kill('SIGKILL');
      })();
    },
  });
  expect(killed.signal).toBe('SIGKILL');
  expect(existsSync(output)).toBe(false);

  // Other inputs do not take the answers for theirs.
  const other = await spawnProgram(launcher, words(output, '--limit', '3'));
  expect(other.status).toBe(2);
  expect(other.stderr).toContain('holds answers of another submission');

  const again = await spawnProgram(launcher, words(output));
  expect(again.status, again.stderr).toBe(0);
  const report = JSON.parse(again.stdout) as Record<string, number>;
  // Of the six files one is the head, and one may have been about to get its name.
  expect(report['resumedRequests']).toBeGreaterThanOrEqual(4);
  expect(report['resumedRequests']).toBeLessThan(images);
  expect(report).toMatchObject({ images, requests: images, sentKeyBytes: 0 });
  expectScores(output);
  expect(existsSync(parts)).toBe(false);
});

it('says that a folder of images is nothing for a network without', async () => {
  const refused = await spawnProgram(launcher, [
    ...['submit', plan, '--server', url, '--keys', join(folder, 'keys'), '--input', folder],
    ...['-o', join(folder, 'z.npy'), '--json'],
  ]);
  expect(JSON.parse(refused.stderr)).toMatchObject({ code: 'INPUT_INVALID' });
});
