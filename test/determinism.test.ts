/** The same model, options and version give the same bytes, wherever and however often. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { compile } from '../src/compile.ts';
import { mnistCalibration, mnistModel } from './support/example-networks.ts';

const elsewhere = mkdtempSync(path.join(tmpdir(), 'cipherloom-determinism-'));

afterAll(() => {
  rmSync(elsewhere, { recursive: true, force: true });
});

const source = (file: string): string => JSON.stringify(path.join(import.meta.dirname, file));

/** A second process in another folder, with another locale, time zone and number of threads. */
function hashesElsewhere(network: string): Record<string, string> {
  const script = `
    const { createHash } = await import('node:crypto');
    const { compile } = await import(${source('../src/compile.ts')});
    const { mnistModel, mnistCalibration } = await import(${source('support/example-networks.ts')});
    const model = await compile(mnistModel(${JSON.stringify(network)}), { calibration: mnistCalibration() });
    const hashes = {};
    for (const [name, bytes] of model.files()) hashes[name] = createHash('sha256').update(bytes).digest('hex');
    console.log(JSON.stringify(hashes));
  `;
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: elsewhere,
    env: {
      TZ: 'Pacific/Kiritimati',
      LANG: 'tr_TR.UTF-8',
      LC_ALL: 'tr_TR.UTF-8',
      UV_THREADPOOL_SIZE: '1',
    },
    encoding: 'utf8',
  });
  return JSON.parse(out) as Record<string, string>;
}

describe.each(['lola', 'relu'])('%s', (network) => {
  it('compiles to the same bytes twice, here and elsewhere', async () => {
    const hashes: Record<string, string>[] = [];
    for (let run = 0; run < 2; run++) {
      const model = await compile(mnistModel(network), { calibration: mnistCalibration() });
      const files = model.files();
      expect(createHash('sha256').update(files.get('model.loom')!).digest('hex')).toBe(
        model.planHash,
      );
      hashes.push(
        Object.fromEntries(
          [...files].map(([name, bytes]) => [
            name,
            createHash('sha256').update(bytes).digest('hex'),
          ]),
        ),
      );
    }
    expect(Object.keys(hashes[0]!)).toEqual([
      'model.loom',
      'client.json',
      'report.json',
      'client.ts',
      'server.ts',
    ]);
    expect(hashes[1]).toEqual(hashes[0]);
    expect(hashesElsewhere(network)).toEqual(hashes[0]);
  });
});
