/**
 * Times of node-seal's primitives: one JSON line an operation, in microseconds of processor time.
 *
 *   node bench/peers/node-seal/bench.ts PARAMETERS [SET…]
 */
import { readFileSync } from 'node:fs';
import initialize from 'node-seal/allows';
import type { MainModule, Plaintext } from 'node-seal/allows';
import { packageVersion } from '../../results/package-version.ts';
import { readParameterSets } from '../../results/parameter-sets.ts';
import type { ParameterSet } from '../../results/parameter-sets.ts';

const runs = 21;
const warmUps = 2;
/** One run repeats a short operation until it takes this many microseconds. */
const leastRun = 20e3;
/** Terms of a sum, as many as other libraries add. */
const terms = 16;

const version = packageVersion('node-seal');

/** Of all threads: compiling and collecting count. */
function processorMicroseconds(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Measure work of which one call does `share` units. */
function report(set: string, operation: string, share: number, work: () => void): void {
  const start = processorMicroseconds();
  work();
  const calls = Math.max(1, Math.floor(leastRun / Math.max(1, processorMicroseconds() - start)));
  const times: number[] = [];
  for (let run = 0; run < warmUps + runs; run++) {
    const from = processorMicroseconds();
    for (let call = 0; call < calls; call++) work();
    if (run >= warmUps) times.push((processorMicroseconds() - from) / (calls * share));
  }
  times.sort((a, b) => a - b);
  const rounded = (at: number): number => Number((times[at] ?? NaN).toFixed(2));
  const [median, min] = [rounded((runs - 1) / 2), rounded(0)];
  const line = { library: 'node-seal', version, set, operation, median, min, runs };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** Refuses to time a library that computes something else: `got` must be rotate(x², 1). */
function verify(x: Float64Array, got: Float64Array): void {
  for (let k = 0; k < x.length; k++) {
    const want = (x[(k + 1) % x.length] ?? NaN) ** 2;
    if (!(Math.abs((got[k] ?? NaN) - want) < 1e-3))
      throw new Error(`slot ${k} is ${got[k] ?? NaN}`);
  }
}

function measure(seal: MainModule, set: ParameterSet): void {
  const { name, ringDegree, primes, primeBits, specialBits } = set;
  const bits = Int32Array.from([...new Array<number>(primes).fill(primeBits), specialBits]);
  const parameters = new seal.EncryptionParameters(seal.SchemeType.ckks);
  parameters.setPolyModulusDegree(ringDegree);
  parameters.setCoeffModulus(seal.CoeffModulus.Create(ringDegree, bits));
  const context = new seal.SEALContext(parameters, true, seal.SecLevelType.tc128);
  const keygen = new seal.KeyGenerator(context);
  const relinKeys = keygen.createRelinKeys();
  const galoisKeys = keygen.createGaloisKeysWithSteps(Int32Array.of(1));
  const encryptor = new seal.Encryptor(context, keygen.createPublicKey());
  const decryptor = new seal.Decryptor(context, keygen.secretKey());
  const evaluator = new seal.Evaluator(context);
  const encoder = new seal.CKKSEncoder(context);

  const scale = 2 ** primeBits;
  const values = Float64Array.from({ length: ringDegree / 2 }, (_, k) => Math.sin(k));
  const plain: Plaintext = new seal.Plaintext();
  encoder.encode(values, scale, plain);
  const draw = Array.from({ length: terms }, () => {
    const ciphertext = new seal.Ciphertext();
    encryptor.encrypt(plain, ciphertext);
    return ciphertext;
  });
  const [a, b] = draw;
  if (a === undefined || b === undefined) throw new Error('there are two ciphertexts');
  const make = (): typeof a => new seal.Ciphertext();
  const [out, sum, product, relinearised] = [make(), make(), make(), make()];

  evaluator.square(a, out);
  evaluator.relinearizeInplace(out, relinKeys);
  evaluator.rescaleToNextInplace(out);
  evaluator.rotateVectorInplace(out, 1, galoisKeys);
  const decrypted: Plaintext = new seal.Plaintext();
  decryptor.decrypt(out, decrypted);
  verify(values, encoder.decodeFloat64(decrypted) as Float64Array);

  const time = (operation: string, work: () => void, share = 1): void => {
    report(name, operation, share, work);
  };
  time('encode', () => {
    encoder.encode(values, scale, plain);
  });
  time('add', () => {
    evaluator.add(a, b, out);
  });
  time('multiply plain', () => {
    evaluator.multiplyPlain(a, plain, out);
  });
  evaluator.multiplyPlain(a, plain, sum);
  const accumulate = (): void => {
    for (const term of draw) {
      evaluator.multiplyPlain(term, plain, out);
      evaluator.addInplace(sum, out);
    }
  };
  time('multiply plain and accumulate', accumulate, terms);
  time('multiply', () => {
    evaluator.multiply(a, b, product);
  });
  time('square', () => {
    evaluator.square(a, product);
  });
  time('multiply and relinearise', () => {
    evaluator.multiply(a, b, product);
    evaluator.relinearizeInplace(product, relinKeys);
  });
  evaluator.multiply(a, b, product);
  time('relinearise', () => {
    evaluator.relinearize(product, relinKeys, relinearised);
  });
  time('rescale', () => {
    evaluator.rescaleToNext(relinearised, out);
  });
  time('rotate', () => {
    evaluator.rotateVector(a, 1, galoisKeys, out);
  });
  for (const object of [...draw, out, sum, product, relinearised, plain, decrypted])
    object.delete();
  for (const object of [encoder, evaluator, decryptor, encryptor, galoisKeys, relinKeys]) {
    object.delete();
  }
  for (const object of [keygen, context, parameters]) object.delete();
}

const [file, ...names] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: bench.ts PARAMETERS [SET…]');
const seal = await initialize();
for (const set of readParameterSets(readFileSync(file, 'utf8'))) {
  if (names.length === 0 || names.includes(set.name)) measure(seal, set);
}
