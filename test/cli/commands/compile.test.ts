import { createHash } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { formatNpy } from '../../../src/frontend/npy/write-npy.ts';
import { passes } from '../../../src/passes/index.ts';
import { launcher, spawnProgram, type Ended } from '../spawn-program.ts';
import {
  cipherloom,
  compileLola,
  contents,
  errorOf,
  example,
  insecureParameters,
  jsonOf,
  temporaryFolder,
} from './example-plans.ts';

const folder = temporaryFolder();
/** One plan of lola, made once; tests that change one copy it. */
const plan = () => join(folder(), 'plan');
let compiled: Ended;
beforeAll(async () => {
  compiled = await compileLola(plan());
});
function copyPlan(name: string): string {
  const copy = join(folder(), name);
  cpSync(plan(), copy, { recursive: true });
  return copy;
}

const planFiles = ['client.json', 'client.ts', 'model.loom', 'report.json', 'server.ts'];
const lola = example('lola.onnx');

describe('compile', () => {
  test('writes a plan, and says what it is', () => {
    const json = jsonOf(compiled);
    expect(readdirSync(plan()).sort()).toEqual(planFiles);
    const hash = createHash('sha256')
      .update(readFileSync(join(plan(), 'model.loom')))
      .digest('hex');
    expect(json).toMatchObject({
      name: 'lola',
      planHash: hash,
      batch: 1,
      objective: 'latency',
      target: 'portable',
      output: plan(),
      warnings: [],
    });
    expect(json.files).toEqual(
      expect.arrayContaining(
        planFiles.map((name) => ({ name, bytes: expect.any(Number) as number })),
      ),
    );
    for (const figure of [
      'precisionBits',
      'keyBytes',
      'residentKeyBytes',
      'rotationKeys',
      'inputCiphertextBytes',
      'outputCiphertextBytes',
      'peakCiphertextBytes',
      'modelledSeconds',
    ]) {
      expect(json[figure], figure).toBeGreaterThan(0);
    }
    const parameters = json.parameters as Record<string, unknown>;
    expect(parameters.securityBits).toBeGreaterThanOrEqual(128);
    expect(parameters.insecure).toBe(false);
  });

  test('gives the same bytes in another folder, from another copy of the model', async () => {
    const second = join(folder(), 'again');
    mkdirSync(join(folder(), 'copies'));
    const copy = join(folder(), 'copies', 'lola.onnx');
    copyFileSync(lola, copy);
    const ended = await cipherloom(
      'compile',
      copy,
      '-o',
      second,
      '--calibration',
      example('calibration.npy'),
      '--json',
    );
    jsonOf(ended);
    expect(contents(second, planFiles)).toEqual(contents(plan(), planFiles));
  });

  test('shows sizes, times and files as text', async () => {
    const { status, stdout } = await cipherloom(
      'compile',
      lola,
      '-o',
      join(folder(), 'text'),
      '--quiet',
    );
    expect(status).toBe(0);
    expect(stdout).toMatch(/^security +\d+(\.\d)? bits$/m);
    expect(stdout).toMatch(/^keys +\S+ MiB sent, \S+ MiB in memory, \d+ rotations$/m);
    expect(stdout).toMatch(/^ {2}model\.loom +\S+ KiB$/m);
  });

  test('--explain: what was considered for each layer, why one won, and a picture', async () => {
    const output = join(folder(), 'explained');
    const { status, stdout } = await cipherloom('compile', lola, '-o', output, '--explain');
    expect(status).toBe(0);
    const [page = ''] = stdout.split(/^model /m);
    const { choices } = JSON.parse(readFileSync(join(output, 'report.json'), 'utf8')) as {
      choices: { node: string; chosen: string; candidates: { name: string; seconds: number }[] }[];
    };
    // The image, a convolution, and two dense layers.
    expect(choices).toHaveLength(4);
    const sections = page.split('\n\n').slice(1);
    choices.forEach(({ node, chosen, candidates }, n) => {
      const [title, , ...lines] = sections[n]!.trimEnd().split('\n');
      expect(title).toBe(node);
      expect(lines).toHaveLength(candidates.length + 1);
      expect(lines.filter((line) => line.startsWith('>'))).toHaveLength(1);
      expect(lines.find((line) => line.startsWith('>'))).toContain(chosen);
      const won = candidates[0]!.name === chosen ? 'cheapest here: ' : 'dearer here than "';
      expect(lines.at(-1)).toContain(candidates.length === 1 ? 'the only one' : won);
    });
    const picture = readFileSync(join(output, 'layouts.svg'), 'utf8');
    for (const { node } of choices) expect(picture).toContain(`>${node} [`);
    // Compiled again without it, the folder keeps no picture of another plan.
    await cipherloom('compile', lola, '-o', output);
    expect(existsSync(join(output, 'layouts.svg'))).toBe(false);
  });

  test('warns of synthetic calibration, unless that is silenced', async () => {
    const output = join(folder(), 'synthetic');
    const ended = await cipherloom('compile', lola, '-o', output, '--json');
    expect(jsonOf(ended).warnings).toMatchObject([{ id: 'CALIBRATION_SYNTHETIC' }]);
    const silent = await cipherloom(
      'compile',
      lola,
      '-o',
      output,
      '--silence',
      'CALIBRATION_SYNTHETIC',
      '--json',
    );
    expect(jsonOf(silent).warnings).toEqual([]);
  });

  test('stamps what is insecure, and refuses it without the flag', async () => {
    const [, ...parameters] = insecureParameters;
    const output = join(folder(), 'insecure');
    const refused = await errorOf('compile', lola, '-o', output, ...parameters);
    expect(refused).toMatchObject({ status: 6, code: 'PARAMETERS_INSECURE' });
    expect(refused.details).toMatchObject({ ringDegree: 4096, limit: 106 });
    expect(existsSync(output)).toBe(false);

    const json = jsonOf(await compileLola(output, ...insecureParameters));
    expect(json.parameters).toMatchObject({ insecure: true });
    expect((json.parameters as { securityBits: number }).securityBits).toBeLessThan(128);
    for (const name of ['client.json', 'report.json']) {
      expect(readFileSync(join(output, name), 'utf8')).toMatch(/"insecure": true/);
    }
    for (const name of ['client.ts', 'server.ts']) {
      expect(readFileSync(join(output, name), 'utf8')).toMatch(/insecure/i);
    }
  });

  test.each([
    ['--max-key-bytes', '1MiB', { status: 4, code: 'KEYS_TOO_LARGE' }],
    ['--max-memory-bytes', '1MiB', { status: 7, code: 'RESOURCE_LIMIT' }],
  ] as const)('refuses a plan over %s %s', async (option, limit, refusal) => {
    const output = join(folder(), 'over');
    const error = await errorOf('compile', lola, '-o', output, option, limit);
    expect(error).toMatchObject(refusal);
    expect(error.message).toContain(option);
    expect(existsSync(output)).toBe(false);
  });

  test.each([
    [['--ring-degree', '5000'], 2],
    [['--ring-degree', '262144'], 2],
    [['--prime-bits', '61,40,60'], 2],
    [['--batch', 'abc'], 2],
    [['--security', '100'], 2],
    [['--security', 'none'], 2],
    [['--client-import', "a'; import 'b"], 2],
    [['--precision-bits', '40'], 4],
  ])('%j is exit status %i', async (words, status) => {
    const output = join(folder(), 'refused');
    const error = await errorOf('compile', lola, '-o', output, ...words);
    expect(error.status).toBe(status);
    expect(existsSync(output)).toBe(false);
  });

  test('--require-range-proof names the ranges that have none', async () => {
    const words = ['compile', example('cryptonets.onnx'), '-o', join(folder(), 'unproved')];
    const error = await errorOf(...words, '--require-range-proof');
    expect(error).toMatchObject({ status: 4, code: 'RANGE_UNPROVED' });
    expect(error.message).toContain('/square2/Mul');
  });
});

describe('a failed compile', () => {
  test('leaves the plan that was there', async () => {
    const kept = copyPlan('kept');
    const broken = join(folder(), 'broken.onnx');
    copyFileSync(lola, broken);
    truncateSync(broken, 100_000);
    const random = join(folder(), 'random.onnx');
    writeFileSync(
      random,
      Uint8Array.from({ length: 4096 }, (_, k) => (k * 7919) % 251),
    );
    const empty = join(folder(), 'empty.onnx');
    writeFileSync(empty, '');
    for (const file of [broken, random, empty]) {
      const error = await errorOf('compile', file, '-o', kept);
      expect(error).toMatchObject({ status: 3, code: 'MODEL_INVALID' });
    }
    expect(await errorOf('compile', join(folder(), 'absent.onnx'), '-o', kept)).toMatchObject({
      status: 3,
      code: 'FILE_UNREADABLE',
    });
    expect(contents(kept, planFiles)).toEqual(contents(plan(), planFiles));
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('by %s leaves the plan that was there, exit status %i', async (signal, status) => {
    const parent = join(folder(), signal);
    mkdirSync(parent);
    const kept = copyPlan(join(signal, 'plan'));
    const words = ['compile', example('lenet.onnx'), '-o', kept];
    const ended = await spawnProgram(
      launcher,
      [...words, '--calibration', example('calibration.npy')],
      {
        during: (child) => {
          // Progress shows after a second, with seconds of work to go.
          child.stderr?.once('data', () => child.kill(signal));
        },
      },
    );
    expect({ status: ended.status, stdout: ended.stdout }).toEqual({ status, stdout: '' });
    expect(contents(kept, planFiles)).toEqual(contents(plan(), planFiles));
    expect(readdirSync(parent)).toEqual(['plan']);
  });

  test('for its output is refused before any work', async () => {
    const own = join(folder(), 'own');
    mkdirSync(own);
    writeFileSync(join(own, 'thesis.txt'), 'months of work');
    const cases = [
      [own, 2, 'FILE_EXISTS'],
      [join(folder(), 'absent', 'plan'), 3, 'FILE_UNWRITABLE'],
      [join(own, 'thesis.txt'), 2, 'FILE_EXISTS'],
    ] as const;
    for (const [output, status, code] of cases) {
      expect(await errorOf('compile', lola, '-o', output)).toMatchObject({ status, code });
    }
    expect(readFileSync(join(own, 'thesis.txt'), 'utf8')).toBe('months of work');
    await compileLola(own, '--force');
    expect(readdirSync(own).sort()).toEqual([...planFiles, 'thesis.txt'].sort());
  });

  test('for its calibration data names the file', async () => {
    const bad = join(folder(), 'bad.npy');
    const output = join(folder(), 'uncalibrated');
    const compile = () => errorOf('compile', lola, '-o', output, '--calibration', bad);

    writeFileSync(bad, formatNpy({ shape: [2, 28, 27], data: new Float32Array(2 * 28 * 27) }));
    const shaped = await compile();
    expect(shaped).toMatchObject({ status: 3, code: 'INPUT_INVALID', node: 'image' });
    expect(shaped.message).toContain('[2, 28, 27]');

    const whole = formatNpy({ shape: [2, 1, 28, 28], data: new Float32Array(2 * 784) });
    writeFileSync(bad, whole.subarray(0, whole.length - 1));
    expect(await compile()).toMatchObject({ status: 3, code: 'DATA_INVALID', node: bad });

    writeFileSync(
      bad,
      formatNpy({ shape: [2, 1, 28, 28], data: new Float32Array(2 * 784).fill(NaN, 800, 801) }),
    );
    expect(await compile()).toMatchObject({
      status: 3,
      code: 'INPUT_INVALID',
      details: { image: 1, index: 16, value: 'NaN' },
    });
    expect(existsSync(output)).toBe(false);
  });
});

describe('IR', () => {
  test('--stop-after prints the program and writes no plan', async () => {
    const { status, stdout } = await cipherloom(
      'compile',
      lola,
      '--stop-after',
      'fuse-linear',
      '--quiet',
    );
    expect(status).toBe(0);
    expect(stdout).toContain('program "lola"');
    expect(stdout).toContain('nn.linear');
    expect(stdout).not.toContain('packed.');
  });

  test('--print-ir-after all has one entry for each pass', async () => {
    const json = jsonOf(await compileLola(join(folder(), 'ir'), '--print-ir-after', 'all'));
    const ir = json.ir as { pass: string; text: string }[];
    expect(ir.map(({ pass }) => pass)).toEqual(passes.map(({ name }) => name));
    for (const { text } of ir) expect(text).toMatch(/^program "lola"\n/);
  });

  test('of an unknown pass is a usage error that names the nearest', async () => {
    for (const option of ['--print-ir-after', '--stop-after']) {
      expect(await errorOf('compile', lola, '-o', folder(), option, 'fuse-liner')).toMatchObject({
        status: 2,
        code: 'USAGE',
        node: option,
        hint: 'did you mean fuse-linear?',
      });
    }
  });

  test('of a long program goes to a reader that closes the pipe', async () => {
    const ended = await spawnProgram(
      launcher,
      ['compile', lola, '-o', join(folder(), 'pipe'), '--print-ir-after', 'all', '--quiet'],
      { during: (child) => child.stdout?.destroy() },
    );
    expect(ended.stderr).not.toMatch(/EPIPE|at .*\.js/);
    expect(ended.status).toBe(0);
  });
});
