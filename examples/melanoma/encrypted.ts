/**
 * Images of a split really encrypted: how far the answers are from those of the clear network.
 *
 *   npm run melanoma:encrypted -- --data DIR --work DIR [--split val|test] [--images 300]
 *
 * --data is the folder with labels.csv. Images are chosen evenly from the split. Each is encrypted,
 * evaluated on the latency plan and decrypted; what came out is a line of
 * WORK/encrypted-<split>-<plan>.jsonl, so that the command can be stopped and given again. Keys lie in WORK.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Client } from 'cipherloom/client';
import { InferenceSession } from 'cipherloom/server';
import { createProgressLine } from '../../src/cli/progress.ts';
import { openClear } from './clear.ts';
import { readPixels } from './images.ts';
import { readCalibration, readModel, sigmoid } from './model.ts';
import { compilePlan } from './plans.ts';
import { readSplit } from './splits.ts';

/** A line of the record. */
export interface EncryptedImage {
  readonly file: string;
  /** Logits. */
  readonly encrypted: number;
  readonly clear: number;
  readonly encryptMs: number;
  readonly evaluateMs: number;
  readonly decryptMs: number;
  /** Largest resident memory of the process so far, bytes. */
  readonly peakBytes: number;
}

export interface EncryptedRun {
  readonly split: string;
  readonly planHash: string;
  readonly model: string;
  readonly backend: string;
  readonly threads: number;
  readonly securityBits: number;
  readonly keyBytes: number;
  readonly uploadBytes: number;
  readonly precisionBits: number;
}

/** Read what a record holds. A line that a stop cut off is left out. */
export function readRecordLines(file: string): EncryptedImage[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as EncryptedImage);
}

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { data: text, work: text, split: text, images: text } });
  const { data, work, split = 'val', images: asked = '300' } = values;
  if (data === undefined || work === undefined || !/^[1-9]\d*$/.test(asked)) {
    throw new Error('--data DIR --work DIR [--split val|test] [--images 300]');
  }
  mkdirSync(work, { recursive: true });
  using progress = createProgressLine(process.stderr, process.stderr.isTTY);
  const model = await readModel();
  progress.step('compiling');
  const compiled = await compilePlan('latency', model, await readCalibration(model));
  using client = Client.load(JSON.stringify(compiled.client));
  const stem = path.join(work, compiled.planHash.slice(0, 12));
  const [secretFile, keyFile] = [`${stem}.secret.key`, `${stem}.evaluation.keys`];
  if (existsSync(secretFile) && existsSync(keyFile)) {
    await client.importSecretKey(new Uint8Array(readFileSync(secretFile)));
  } else {
    progress.step('making keys');
    const keys = await client.generateKeys();
    writeFileSync(keyFile, await keys.evaluationKeys.bytes());
    writeFileSync(secretFile, keys.secretKey, { mode: 0o600 });
  }
  await using session = await InferenceSession.create(compiled.plan, { evaluationKeys: keyFile });
  await using clear = await openClear(model);
  const record = path.join(work, `encrypted-${split}-${compiled.planHash.slice(0, 12)}.jsonl`);
  const { parameters, keyBytes, inputCiphertextBytes, precisionBits } = compiled.report;
  const run: EncryptedRun = {
    split,
    planHash: compiled.planHash,
    model: model.sha256,
    backend: session.backend,
    threads: session.threads,
    securityBits: parameters.securityBits,
    keyBytes,
    uploadBytes: inputCiphertextBytes,
    precisionBits,
  };
  writeFileSync(record.replace(/jsonl$/, 'json'), `${JSON.stringify(run, null, 2)}\n`);
  const known = new Set(readRecordLines(record).map(({ file }) => file));
  const rows = readSplit(data, split);
  const count = Math.min(rows.length, Number(asked));
  progress.step(`${count} images of ${split}`);
  for (let n = 0; n < count; n++) {
    progress.advance(n, count);
    const { file } = rows[Math.floor((n * rows.length) / count)]!;
    if (known.has(file)) continue;
    const image = await readPixels(path.join(data, file), model.preprocessing);
    const expected = await clear.logit(image);
    const startedAt = performance.now();
    const request = await client.encrypt({ image });
    const encryptedAt = performance.now();
    const response = await session.run(request);
    const evaluatedAt = performance.now();
    const { logit } = await client.decrypt(response);
    const line: EncryptedImage = {
      file,
      encrypted: logit?.data[0] ?? NaN,
      clear: expected,
      encryptMs: encryptedAt - startedAt,
      evaluateMs: evaluatedAt - encryptedAt,
      decryptMs: performance.now() - evaluatedAt,
      peakBytes: process.resourceUsage().maxRSS * 1024,
    };
    appendFileSync(record, `${JSON.stringify(line)}\n`);
  }
  const lines = readRecordLines(record);
  const apart = lines.map((line) => Math.abs(sigmoid(line.encrypted) - sigmoid(line.clear)));
  console.log(`${record}: ${lines.length} images, largest difference ${Math.max(...apart)}`);
}

if (import.meta.main) await main();
