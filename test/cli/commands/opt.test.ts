import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync, cpSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  cipherloom,
  compileLola,
  errorOf,
  example,
  jsonOf,
  temporaryFolder,
} from './example-plans.ts';

const folder = temporaryFolder();
const dump = () => join(folder(), 'ir');
const dumped = (pass: string) =>
  join(
    dump(),
    readdirSync(dump()).find((name) => name.endsWith(`-${pass}.ir`))!,
  );
beforeAll(async () => {
  await compileLola(join(folder(), 'plan'), '--dump-ir', dump());
});

describe('opt', () => {
  test.each(['fold-constants', 'lower-linear', 'choose-rotations'])(
    'prints the program after %s as it was dumped',
    async (pass) => {
      const { status, stdout } = await cipherloom('opt', dumped(pass));
      expect(status).toBe(0);
      expect(stdout).toBe(readFileSync(dumped(pass), 'utf8'));
    },
  );

  test('runs passes as compile did', async () => {
    const packed = readFileSync(dumped('choose-packing'), 'utf8');
    const ringDegree = 2 * Number(/"slots":(\d+)/.exec(packed)![1]);
    const words = ['opt', dumped('fuse-linear'), '--ring-degree', String(ringDegree)];
    const json = jsonOf(
      await cipherloom(...words, '--passes', 'choose-packing,lower-linear', '--json'),
    );
    expect(json.ir).toBe(readFileSync(dumped('lower-linear'), 'utf8'));
    expect((json.notes as { pass: string }[]).map(({ pass }) => pass)).toEqual([
      'choose-packing',
      'lower-linear',
    ]);
  });

  test('writes a program that it reads again', async () => {
    const output = join(folder(), 'fused.ir');
    const words = ['opt', dumped('fold-polynomials'), '--passes', 'fuse-linear'];
    const first = await cipherloom(...words, '--output', output);
    expect(first).toMatchObject({ status: 0, stdout: '' });
    const second = await cipherloom('opt', output);
    expect(second.stdout).toBe(readFileSync(dumped('fuse-linear'), 'utf8'));
  });

  test('refuses a pass that the program is not ready for', async () => {
    expect(await errorOf('opt', dumped('fuse-linear'), '--passes', 'schedule')).toMatchObject({
      status: 3,
      code: 'IR_INVALID',
      details: { pass: 'schedule' },
    });
    expect(await errorOf('opt', dumped('fuse-linear'), '--passes', 'shedule')).toMatchObject({
      status: 2,
      code: 'USAGE',
    });
  });

  test('refuses text and constants that are damaged', async () => {
    const copy = join(folder(), 'damaged');
    cpSync(dump(), copy, { recursive: true });
    const file = join(
      copy,
      readdirSync(copy).find((name) => name.endsWith('-fold-constants.ir'))!,
    );
    const constants = join(copy, 'constants.bin');
    const refused = { status: 3, code: 'IR_INVALID' };

    truncateSync(constants, 10_000);
    expect(await errorOf('opt', file)).toMatchObject(refused);
    const flipped = readFileSync(join(dump(), 'constants.bin'));
    flipped[flipped.length - 3]! ^= 1;
    writeFileSync(constants, flipped);
    expect(await errorOf('opt', file)).toMatchObject(refused);
    // An index that claims more than the file holds.
    const head = Buffer.alloc(16);
    head.write('CLOOMCON');
    head.writeUInt32LE(0xffffffff, 8);
    writeFileSync(constants, head);
    expect(await errorOf('opt', file)).toMatchObject(refused);

    const text = readFileSync(file, 'utf8');
    for (const broken of [text.replace('%1 =', '%7 ='), text.replace('nn.', 'xx.'), '']) {
      writeFileSync(file, broken);
      const error = await errorOf('opt', file, '--constants', join(dump(), 'constants.bin'));
      expect(error).toMatchObject(refused);
    }
  });

  test('dumps into no folder that holds something else', async () => {
    const own = join(folder(), 'own');
    mkdirSync(own);
    writeFileSync(join(own, 'thesis.txt'), 'months of work');
    const words = ['compile', example('lola.onnx'), '--stop-after', 'fuse-linear'];
    expect(await errorOf(...words, '--dump-ir', own)).toMatchObject({
      status: 2,
      code: 'FILE_EXISTS',
    });
    expect(readdirSync(own)).toEqual(['thesis.txt']);
  });
});
