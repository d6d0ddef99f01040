/**
 * What fewer rotation keys cost: a network compiled for shares of its key bytes, run encrypted, one
 * thread, the plans in turn; time over that of the plan with all keys, as modelled and as measured.
 *
 *   node bench/key-budget.ts [--network lenet] [--rounds 5] [--shares 0.5,0.25,0.125]
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Client } from '../src/client/index.ts';
import { compile, readNpy } from '../src/index.ts';
import type { CompiledModel } from '../src/index.ts';
import { InferenceSession } from '../src/server/index.ts';

const mnist = path.join(import.meta.dirname, '../examples/mnist');

const { values } = parseArgs({
  options: {
    network: { type: 'string', default: 'lenet' },
    rounds: { type: 'string', default: '5' },
    shares: { type: 'string', default: '0.5,0.25,0.125' },
  },
});

function imagesOf(file: string): Float64Array<ArrayBuffer>[] {
  const { data, shape } = readNpy(readFileSync(path.join(mnist, file)));
  const count = shape[0] ?? 1;
  const each = data.length / count;
  return Array.from({ length: count }, (_, n) =>
    Float64Array.from(data.slice(n * each, (n + 1) * each)),
  );
}

const bytes = readFileSync(path.join(mnist, `${values.network}.onnx`));
const calibration = new Map([['image', imagesOf('calibration.npy')]]);
const images = imagesOf('images.npy');

function plan(maxKeyBytes: number | null): Promise<CompiledModel> {
  const options = { target: 'native', maxKeyBytes } as const;
  return compile({ name: values.network, bytes }, { calibration, options });
}

const top = (answers: ArrayLike<number>): number =>
  Array.from(answers).indexOf(Math.max(...Array.from(answers)));

/** A plan with its keys in a session. */
async function open(name: string, compiled: CompiledModel) {
  const client = Client.load(compiled.client);
  const { evaluationKeys } = await client.generateKeys();
  const session = await InferenceSession.create(compiled.plan, {
    backend: 'native',
    threads: 1,
    evaluationKeys: await evaluationKeys.bytes(),
  });
  return { name, compiled, client, session, seconds: [] as number[], answers: [] as number[] };
}

const all = await plan(null);
const opened = [await open('all keys', all)];
for (const share of values.shares.split(',').map(Number)) {
  const started = performance.now();
  const compiled = await plan(Math.floor(share * all.report.keyBytes));
  process.stderr.write(
    `${share}: compiled in ${Math.round((performance.now() - started) / 1000)} s\n`,
  );
  opened.push(await open(`1/${Math.round(1 / share)} of the bytes`, compiled));
}

const rounds = Number(values.rounds);
for (let round = 0; round <= rounds; round++) {
  const image = images[round % images.length] ?? new Float64Array();
  for (const each of opened) {
    const request = await each.client.encrypt({ image });
    const started = performance.now();
    const response = await each.session.run(request);
    const seconds = (performance.now() - started) / 1000;
    const decrypted = await each.client.decrypt(response);
    // The first run expands keys and encodes constants.
    if (round > 0) each.seconds.push(seconds);
    each.answers.push(top(Object.values(decrypted)[0]?.data ?? []));
  }
}

const median = (list: readonly number[]): number =>
  [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? NaN;

const [first] = opened;
console.log(
  '| plan | key bytes | rotation keys | special primes | rotations | modelled | measured | time over all keys, modelled | measured | agree |',
);
console.log('| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |');
for (const each of opened) {
  const { report, rotations, client } = each.compiled;
  // Round by round: what else the machine does falls on both.
  const ratios = each.seconds.map((seconds, n) => seconds / (first?.seconds[n] ?? NaN));
  const modelled = (report.modelledSeconds ?? NaN) / (all.report.modelledSeconds ?? NaN);
  const agreed = each.answers.filter((answer, n) => answer === first?.answers[n]).length;
  console.log(
    `| ${[
      each.name,
      report.keyBytes,
      rotations.length,
      client.parameters.specialPrimes.length,
      report.operations.rotations,
      `${report.modelledSeconds?.toFixed(3) ?? '–'} s`,
      `${median(each.seconds).toFixed(3)} s`,
      modelled.toFixed(2),
      median(ratios).toFixed(2),
      `${agreed} of ${each.answers.length}`,
    ].join(' | ')} |`,
  );
  each.client[Symbol.dispose]();
  await each.session[Symbol.asyncDispose]();
}
