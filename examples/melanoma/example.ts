/**
 * From photographs of skin to decrypted probabilities of melanoma, on two plans of one network.
 *
 *   npm run example:melanoma            the twelve images that lie here
 *   npm run example:melanoma -- 2       two of them (with SEAL an image takes minutes)
 *
 * For demonstration only: it is no diagnosis.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { CompiledModel } from 'cipherloom';
import { Client } from 'cipherloom/client';
import { InferenceSession } from 'cipherloom/server';
import { loadAddon } from '../../src/backend/native/load-addon.ts';
import { countArgument } from '../count-argument.ts';
import { openClear } from './clear.ts';
import { readPixels } from './images.ts';
import { parseLabelFile } from './label-file.ts';
import { here, readCalibration, readModel, readRecord, sigmoid } from './model.ts';
import { compilePlan } from './plans.ts';
import { paper } from './published.ts';

const startedAt = performance.now();
const samples = path.join(here, 'samples');
const rows = parseLabelFile(await readFile(path.join(samples, 'labels.csv'), 'utf8'), 'labels.csv');
const chosen = spread(
  rows,
  countArgument(process.argv[2], { otherwise: rows.length, most: rows.length }),
);
const model = await readModel();
const { threshold } = (await readRecord(model)).validation.nevus;
const images = await Promise.all(
  chosen.map(({ file }) => readPixels(path.join(samples, file), model.preprocessing)),
);
const calibration = await readCalibration(model);
// Several special primes are faster, and for the native evaluator alone.
const portable = loadAddon().addon === null;
const clear = await openClear(model);
const size = model.preprocessing.size;
say(`${chosen.length} images of the validation split, ${size} × ${size} × 3, by ISIC's HAM10000 (CC BY-NC 4.0).
For demonstration only: this is no diagnosis.
`);

const latency = await demonstrate('one image at a time', 'latency', 1);
const batch = await demonstrate('many at once', 'small', chosen.length);
compare();
await clear[Symbol.asyncDispose]();
const failed = [...latency.answers, ...batch.answers].filter(
  ({ got, clear }) => Math.abs(sigmoid(got) - sigmoid(clear)) > 0.01,
);
say(`everything ${seconds(performance.now() - startedAt)}`);
if (failed.length > 0) {
  say(`${failed.length} probabilities differ from the clear network's by more than 0.01`);
  process.exitCode = 1;
}

interface Answer {
  readonly got: number;
  readonly clear: number;
}

interface Shown {
  readonly plan: CompiledModel['report'];
  readonly backend: string;
  readonly threads: number;
  readonly answers: readonly Answer[];
  /** Server, an image. */
  readonly evaluateMs: number;
  /** Encryption and decryption, an image. */
  readonly clientMs: number;
}

/** Compile, make keys, then encrypt, evaluate and decrypt all images, so many a request. */
async function demonstrate(
  title: string,
  name: 'latency' | 'small',
  together: number,
): Promise<Shown> {
  progress(`compiling for ${title}`);
  const [compiled, compileMs] = await timed(() => compilePlan(name, model, calibration, portable));
  const { report } = compiled;
  using client = Client.load(JSON.stringify(compiled.client));
  progress('making keys');
  const [{ evaluationKeys }, keysMs] = await timed(() => client.generateKeys());
  const [keys, bundleMs] = await timed(() => evaluationKeys.bytes());
  await using session = await InferenceSession.create(compiled.plan, { evaluationKeys: keys });
  const { ringDegree, securityBits, levels } = report.parameters;
  say(`${title}: --objective ${report.objective}, ${report.batch === 1 ? 'one image' : `${report.batch} images`} an execution
  compiled     in ${seconds(compileMs)}: N = ${ringDegree}, ${levels} levels, ${securityBits.toFixed(0)} bits of security, ${report.precisionBits.toFixed(1)} bits of precision, ${seconds(1000 * (report.modelledSeconds ?? NaN))} modelled on one core
  keys         ${mib(keys.length)} sent, made in ${seconds(keysMs + bundleMs)}
  evaluator    ${session.backend}, ${session.threads} ${session.threads === 1 ? 'thread' : 'threads'}: ${session.backendReason}

  image              diagnosis   p encrypted   p in the clear   answer      encrypt   server    decrypt`);
  const answers: Answer[] = [];
  const spent = { encrypt: 0, evaluate: 0, decrypt: 0 };
  for (let first = 0; first < images.length; first += together) {
    const now = images.slice(first, first + together);
    const data = Float32Array.from(now.flatMap((image) => [...image]));
    progress('encrypting');
    const [request, encryptMs] = await timed(() =>
      client.encrypt({ image: { data, shape: [now.length, 3, size, size] } }),
    );
    const [response, evaluateMs] = await timed(() =>
      session.run(request, {
        onProgress: ({ done, total }) => {
          progress(`evaluating ${((100 * done) / total).toFixed(0)} %`);
        },
      }),
    );
    const [{ logit }, decryptMs] = await timed(() => client.decrypt(response));
    spent.encrypt += encryptMs;
    spent.evaluate += evaluateMs;
    spent.decrypt += decryptMs;
    for (const [n, image] of now.entries()) {
      const answer = { got: logit?.data[n] ?? NaN, clear: await clear.logit(image) };
      answers.push(answer);
      const times = [encryptMs, evaluateMs, decryptMs].map((ms) => seconds(ms).padEnd(8));
      say(
        [
          `  ${chosen[first + n]?.file ?? ''}`.padEnd(21),
          (chosen[first + n]?.label === 1 ? 'melanoma' : 'other').padEnd(12),
          sigmoid(answer.got).toFixed(4).padEnd(14),
          sigmoid(answer.clear).toFixed(4).padEnd(17),
          (answer.got >= threshold ? 'melanoma' : 'other').padEnd(12),
          together === 1 || n === 0 ? times.join('  ') : '',
        ]
          .join('')
          .trimEnd(),
      );
    }
  }
  const apart = answers.map(({ got, clear }) => Math.abs(sigmoid(got) - sigmoid(clear)));
  say(`
  largest difference of a probability ${Math.max(...apart).toExponential(1)}
`);
  return {
    plan: report,
    backend: session.backend,
    threads: session.threads,
    answers,
    evaluateMs: spent.evaluate / images.length,
    clientMs: (spent.encrypt + spent.decrypt) / images.length,
  };
}

/** The paper's four figures beside those of this run. */
function compare(): void {
  const { plan } = latency;
  const perHour = 3.6e6 / batch.evaluateMs;
  say(`beside the paper (its images and their size are not known; ours are ${size} × ${size} × 3)
                        paper        here
  accuracy              ${`${paper.accuracy * 100} %`.padEnd(12)} RESULTS.md: a dozen images say nothing
  security              ${`${paper.securityBits} bits`.padEnd(12)} ${plan.parameters.securityBits.toFixed(0)} bits
  one image             ${`${paper.latencySeconds} s`.padEnd(12)} ${seconds(latency.evaluateMs)} on the server, ${seconds(latency.clientMs)} at the client (${latency.backend}, ${latency.threads} threads)
  images an hour        ${paper.imagesAnHour.toLocaleString('en').padEnd(12)} ${Math.round(perHour).toLocaleString('en')} in executions of ${batch.plan.batch}, the first with its preparation; full batches in RESULTS.md
`);
}

/** So many of a list, from all parts of it. */
function spread<T>(list: readonly T[], count: number): T[] {
  return Array.from({ length: count }, (_, n) => list[Math.floor((n * list.length) / count)]!);
}

async function timed<T>(task: () => Promise<T>): Promise<readonly [T, number]> {
  const from = performance.now();
  return [await task(), performance.now() - from];
}

function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function seconds(ms: number): string {
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

/** A line that the next one replaces; on a terminal only. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

function say(text: string): void {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  process.stdout.write(`${text}\n`);
}
