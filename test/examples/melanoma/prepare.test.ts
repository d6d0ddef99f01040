import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readNpy } from '../../../src/read-npy.ts';
import { squareImage } from '../../../src/frontend/images/square-image.ts';
import { jpegFile, pixelImage, pngFile } from '../../support/image-files.ts';

const script = fileURLToPath(new URL('../../../examples/melanoma/prepare.ts', import.meta.url));
const image = pixelImage(30, 20, (x, y) => [x * 8, y * 12, 200 - x]);
let folder: string;
const inFolder = (name: string) => path.join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'melanoma-'));
  writeFileSync(inFolder('a.png'), pngFile(image));
  writeFileSync(inFolder('b.jpg'), await jpegFile(image));
  writeFileSync(inFolder('cut.jpg'), (await jpegFile(image)).slice(0, -80));
  writeFileSync(inFolder('bomb.png'), pngFile(image, [60_000, 60_000]));
  writeFileSync(inFolder('good.csv'), 'file,label\na.png,1\nb.jpg,0\n');
  writeFileSync(
    inFolder('bad.csv'),
    'file,label\ncut.jpg,0\na.png,1\nnone.jpg,1\nbomb.png,0\nb.jpg,0\n',
  );
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function prepare(labels: string, ...more: string[]) {
  const files = ['--images', folder, '--labels', inFolder(labels)];
  const outputs = ['--out', inFolder('x.npy'), '--labels-out', inFolder('y.npy')];
  const settings = ['--size', '8', '--kernel', 'area'];
  return spawnSync(process.execPath, [script, ...files, ...outputs, ...settings, ...more], {
    encoding: 'utf8',
  });
}

function output(name: string) {
  return readNpy(new Uint8Array(readFileSync(inFolder(name))));
}

function removeOutputs(): void {
  for (const name of ['x.npy', 'y.npy']) rmSync(inFolder(name), { force: true });
}

describe('melanoma:prepare', () => {
  test('writes pixels in 0…1 and classes in the order of the CSV', () => {
    const { status, stdout, stderr } = prepare('good.csv');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('2 images, 3 × 8 × 8');
    const x = output('x.npy');
    expect(x.shape).toEqual([2, 3, 8, 8]);
    const expected = Array.from(squareImage(image, 8, 'area'), (byte) => Math.fround(byte / 255));
    expect([...x.data.subarray(0, 192)]).toEqual(expected);
    expect(output('y.npy')).toEqual({ shape: [2], data: Float64Array.of(1, 0) });
    removeOutputs();
  });

  test('names every unreadable image, writes nothing and leaves nothing behind', () => {
    const before = readdirSync(folder);
    const { status, stderr } = prepare('bad.csv');
    expect(status).toBe(3);
    for (const name of ['cut.jpg', 'none.jpg', 'bomb.png']) {
      expect(stderr).toContain(`unreadable: ${name}`);
    }
    expect(stderr).toContain('3 of 5 images unreadable');
    expect(readdirSync(folder)).toEqual(before);
  });

  test('--skip-bad leaves them out, classes too', () => {
    const { status, stderr } = prepare('bad.csv', '--skip-bad');
    expect(status).toBe(0);
    expect(stderr).toContain('skipped: none.jpg');
    expect(output('x.npy').shape).toEqual([2, 3, 8, 8]);
    expect([...output('y.npy').data]).toEqual([1, 0]);
    removeOutputs();
  });

  test.each([
    [['--size', '0'], 2, '--size 0'],
    [['--kernel', 'lanczos'], 2, 'area or triangle'],
    [['--sizes', '8'], 2, '--sizes'],
    [['--out', '/nowhere/at/all/x.npy'], 3, '/nowhere/at/all'],
  ])('%j is refused before any work', (options, status, message) => {
    const result = prepare('good.csv', ...options);
    expect(result.status).toBe(status);
    expect(result.stderr).toContain(message);
    expect(existsSync(inFolder('x.npy'))).toBe(false);
  });
});
