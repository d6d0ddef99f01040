import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { readNpyFile } from '../../../src/frontend/npy/read-npy.ts';
import { jpegFile, pixelImage, pngFile } from '../../support/image-files.ts';
import { cipherloom, errorOf, example, jsonOf, temporaryFolder } from './example-plans.ts';

const folder = temporaryFolder();

/** A PNG of one colour, 6 × 4. */
function plain(...color: readonly [number, number, number]): Uint8Array<ArrayBuffer> {
  return pngFile(pixelImage(6, 4, () => color));
}

function write(...[path, bytes]: readonly [string, Uint8Array]): void {
  const file = join(folder(), path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, bytes);
}

describe('images', () => {
  test('numbers classes by name, and normalises each channel', async () => {
    write('classes/cat/1.png', plain(255, 0, 51));
    write('classes/cat/2.png', plain(0, 0, 0));
    write('classes/bat/a.PNG', plain(0, 255, 0));
    write('classes/bat/b.png', plain(255, 255, 255));
    write('classes/bat/notes.txt', Buffer.from('no image'));
    const [x, y] = [join(folder(), 'x.npy'), join(folder(), 'y.npy')];
    const words = ['--size', '2', '--mean', '0,.5,0', '--std', '1,.5,1', '--json'];
    const json = jsonOf(
      await cipherloom('images', join(folder(), 'classes'), '-o', x, '--labels-out', y, ...words),
    );
    expect(json).toMatchObject({
      images: 4,
      shape: [4, 3, 2, 2],
      classes: ['bat', 'cat'],
      range: [-1, 1],
    });
    expect([...readNpyFile(y).data]).toEqual([0n, 1n, 0n, 1n]);
    const { data } = readNpyFile(x);
    expect([...data].filter((_, n) => n % 4 === 0)).toEqual(
      [0, 1, 0, 1, -1, 0.2, 1, 1, 1, 0, -1, 0].map(Math.fround),
    );
  });

  test('takes the luma of a JPEG, and the images that --skip and --each leave', async () => {
    const gray = await jpegFile(pixelImage(16, 16, () => [100, 100, 100]));
    for (const name of ['a.jpg', 'b.jpeg', 'c.jpg']) write(`flat/${name}`, gray);
    const x = join(folder(), 'flat.npy');
    const words = ['--size', '4', '--gray', '--skip', '1', '--each', '1', '--json'];
    const json = jsonOf(await cipherloom('images', join(folder(), 'flat'), '-o', x, ...words));
    expect(json).toMatchObject({ images: 1, shape: [1, 1, 4, 4], classes: [] });
    for (const value of readNpyFile(x).data)
      expect(Math.abs(Number(value) * 255 - 100)).toBeLessThan(1.5);
  });

  test.each([
    ['a damaged image', ['--size', '2'], 'DATA_INVALID', 3],
    ['labels without classes', ['--size', '2', '--labels-out', 'y.npy'], 'USAGE', 2],
    ['means for other channels', ['--size', '2', '--mean', '1,2'], 'USAGE', 2],
    ['a mean that is no number', ['--size', '2', '--mean', '1,x'], 'USAGE', 2],
    ['a std of zero', ['--size', '2', '--std', '0'], 'USAGE', 2],
    ['more skipped than there is', ['--size', '2', '--skip', '9'], 'USAGE', 2],
  ] as const)('refuses %s', async (_, words, code, status) => {
    write('bad/1.png', plain(1, 2, 3).subarray(0, 40));
    const output = join(folder(), 'never.npy');
    const error = await errorOf('images', join(folder(), 'bad'), '-o', output, ...words);
    expect(error).toMatchObject({ code, status });
  });

  test('refuses a folder without images, or with images beside classes', async () => {
    mkdirSync(join(folder(), 'empty'), { recursive: true });
    write('mixed/1.png', plain(1, 1, 1));
    write('mixed/a/1.png', plain(1, 1, 1));
    for (const name of ['empty', 'mixed']) {
      const words = ['images', join(folder(), name), '-o', join(folder(), 'z.npy'), '--size', '2'];
      expect(await errorOf(...words)).toMatchObject({ code: 'DATA_INVALID', status: 3 });
    }
  });
});

describe('--calibration FOLDER', () => {
  const photos = () => join(folder(), 'photos');
  const compiled = async (...words: readonly string[]) =>
    jsonOf(
      await cipherloom(
        ...['compile', example('lola.onnx'), '--input-range', '-1,1', '--json'],
        ...['-o', join(folder(), 'plan'), ...words],
      ),
    );
  beforeAll(() => {
    for (let k = 0; k < 33; k++) {
      const image = pixelImage(30, 32, (x, y) => [(7 * x * y + k) % 256, (9 * x + k) % 256, y]);
      write(`photos/${String(k).padStart(2, '0')}.png`, pngFile(image));
    }
  });

  test('gives the plan that the array of the images gives', async () => {
    const array = join(folder(), 'photos.npy');
    const normalised = ['--mean', '.5', '--std', '.5'];
    const form = ['--size', '28', '--gray', ...normalised];
    jsonOf(await cipherloom('images', photos(), '-o', array, ...form, '--json'));
    const ofArray = await compiled('--calibration', array);
    const ofFolder = await compiled('--calibration', photos(), ...normalised);
    expect(ofFolder['planHash']).toBe(ofArray['planHash']);
    expect(ofFolder['warnings']).toEqual([]);
    const other = await compiled('--calibration', `image=${photos()}`);
    expect(other['planHash']).not.toBe(ofArray['planHash']);
  });

  test('says what does not fit', async () => {
    const words = ['compile', example('lola.onnx'), '-o', join(folder(), 'none')];
    const array = ['--calibration', example('calibration.npy'), '--std', '2'];
    expect(await errorOf(...words, ...array)).toMatchObject({ status: 2, code: 'USAGE' });
    expect(await errorOf(...words, '--mean', '.5')).toMatchObject({ status: 2, code: 'USAGE' });
    const wrong = ['--calibration', photos(), '--mean', '1,2,3'];
    expect((await errorOf(...words, ...wrong)).message).toContain('3 numbers for 1 channels');
    const network = fileURLToPath(new URL('../../../examples/filters/score.ts', import.meta.url));
    const flat = ['compile', network, '-o', join(folder(), 'none'), '--calibration', photos()];
    expect((await errorOf(...flat)).code).toMatch(/^(INPUT_INVALID|USAGE)$/);
  });
});
