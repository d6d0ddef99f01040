/** Row M7 of the bad-input table, at the library: tensors outside the model file. */
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compile } from '../../../src/compile.ts';
import { importOnnx } from '../../../src/frontend/import-onnx.ts';
import type { ExternalData } from '../../../src/frontend/onnx/external-data.ts';
import { openModelFolder } from '../../../src/frontend/onnx/model-folder.ts';
import { errorOf } from '../../support/error-of.ts';
import { encodeModel } from '../../support/onnx-model.ts';

let root: string;
let folder: string;
const weights = new Float32Array([0.5, -0.25, 2, 1]);
const bytes = new Uint8Array(weights.buffer);

beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), 'external data '));
  folder = path.join(root, 'model');
  mkdirSync(path.join(folder, 'sub'), { recursive: true });
  writeFileSync(path.join(root, 'secret.bin'), bytes);
  writeFileSync(path.join(folder, 'w.bin'), Buffer.concat([Buffer.alloc(8), bytes]));
  writeFileSync(path.join(folder, 'sub', 'exact.bin'), bytes);
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

function model(external: Readonly<Record<string, string>>) {
  return encodeModel({
    inputs: { x: [1, 4] },
    outputs: ['y'],
    initializers: { w: { dims: [4], data: [], external } },
    nodes: [{ op: 'Mul', name: 'scale', inputs: ['x', 'w'], outputs: ['y'] }],
  });
}

/** A model's folder that writes down which files are opened. */
function watched(opened: string[]): ExternalData {
  const files = openModelFolder(folder);
  return {
    size: (place) => files.size(place),
    read(place, ...range) {
      opened.push(place.location);
      return files.read(place, ...range);
    },
  };
}

function weightsOf(external: Readonly<Record<string, string>>): readonly number[] {
  const { program } = importOnnx(model(external), { name: 'm', external: openModelFolder(folder) });
  return [...[...program.constants.values()][0]!.data];
}

function refusal(external: Readonly<Record<string, string>>) {
  const opened: string[] = [];
  const options = { name: 'm', external: watched(opened) };
  const error = errorOf(() => importOnnx(model(external), options));
  expect(error).toMatchObject({ code: 'MODEL_INVALID', node: 'w', exit: 3 });
  expect(error.hint).not.toBeNull();
  expect(opened).toEqual([]);
  return error;
}

describe('what is read', () => {
  test.each([
    ['a range', { location: 'w.bin', offset: '8', length: '16' }],
    ['the rest of the file', { location: 'w.bin', offset: '8' }],
    ['a whole file in a folder', { location: './sub/exact.bin', length: '16' }],
    [
      'a file with its checksum, and a key of a later version',
      {
        location: 'sub/exact.bin',
        checksum: createHash('sha1').update(bytes).digest('hex'),
        colour: 'blue',
      },
    ],
  ])('%s', (_, external) => {
    expect(weightsOf(external)).toEqual([...weights]);
  });

  test('tensors that no output needs are not read', () => {
    const opened: string[] = [];
    const bytesOfModel = encodeModel({
      inputs: { x: [1, 4] },
      outputs: ['y'],
      initializers: { w: { dims: [4], data: [], external: { location: 'absent.bin' } } },
      nodes: [{ op: 'Mul', inputs: ['x', 'x'], outputs: ['y'] }],
    });
    importOnnx(bytesOfModel, { name: 'm', external: watched(opened) });
    expect(opened).toEqual([]);
  });
});

describe('locations that leave the folder', () => {
  test.each([
    ['../../etc/passwd', "the location leaves the model's folder"],
    ['../secret.bin', "the location leaves the model's folder"],
    ['a/../../b', "the location leaves the model's folder"],
    ['sub/../w.bin', "the location leaves the model's folder"],
    ['/etc/passwd', 'the location is absolute'],
    ['C:/Windows/win.ini', 'the location is absolute'],
    ['..\\secret.bin', 'the location has a backslash'],
    ['\\\\server\\share', 'the location has a backslash'],
    ['w.bin\0.txt', 'the location has control characters'],
    ['', 'it names no file'],
    ['x'.repeat(2000), 'the location has 2000 characters'],
    ['.', 'it is not a file'],
    ['sub', 'it is not a file'],
    ['w.bin/x', 'it cannot be read (ENOTDIR)'],
    ['absent.bin', 'it cannot be read (ENOENT)'],
  ])('%j', (location, tells) => {
    const { message } = refusal({ location, offset: '0', length: '16' });
    expect(message).toMatch(/^tensor "w" is stored at "/);
    expect(message).toContain(tells);
    expect(message.length).toBeLessThan(500);
  });

  test('symbolic links, to a file and on the way', () => {
    symlinkSync(path.join(root, 'secret.bin'), path.join(folder, 'link.bin'));
    symlinkSync(root, path.join(folder, 'up'));
    symlinkSync('w.bin', path.join(folder, 'inside.bin'));
    for (const location of ['link.bin', 'up/secret.bin', 'inside.bin'])
      expect(refusal({ location, length: '16' }).message).toContain('a symbolic link');
  });

  test('hard links', () => {
    linkSync(path.join(root, 'secret.bin'), path.join(folder, 'hard.bin'));
    const error = refusal({ location: 'hard.bin', length: '16' });
    expect(error.message).toContain('the file has 2 names');
    expect(error.details).toMatchObject({ links: 2, location: 'hard.bin' });
  });

  test.skipIf(process.platform === 'win32')('pipes, without waiting for a writer', () => {
    execFileSync('mkfifo', [path.join(folder, 'pipe')]);
    expect(refusal({ location: 'pipe', length: '16' }).message).toContain('it is not a file');
  });
});

describe('ranges', () => {
  test.each<[Record<string, string>, string]>([
    [{ offset: '12', length: '16' }, 'bytes 12 to 28 are asked for, the file has 24'],
    [{ offset: '999999999999999', length: '16' }, 'the file has 24'],
    [{ offset: '9223372036854775800', length: '16' }, 'its offset is "9223372036854775800"'],
    [{ offset: '-8', length: '16' }, 'its offset is "-8", not a number of bytes'],
    [{ offset: '8', length: '-16' }, 'its length is "-16", not a number of bytes'],
    [{ offset: '8e0', length: '16' }, 'its offset is "8e0"'],
    [{ offset: '8', length: '15' }, 'its elements need 16 bytes, the model gives 15'],
    [
      { offset: '8', length: '4000000000' },
      'its elements need 16 bytes, the model gives 4000000000',
    ],
    [{ offset: '0' }, 'its elements need 16 bytes, the model gives 24'],
    [{ offset: '100' }, 'its elements need 16 bytes, the model gives -76'],
    [{ checksum: 'abc' }, 'its checksum "abc" is no SHA-1'],
  ])('%j', (range, tells) => {
    expect(refusal({ location: 'w.bin', ...range }).message).toContain(tells);
  });

  test('2^28 elements in a file of 16 bytes: nothing is allocated', () => {
    const before = process.memoryUsage().rss;
    const big = encodeModel({
      inputs: { x: [1, 4] },
      outputs: ['y'],
      initializers: {
        w: { dims: [2 ** 28], data: [], external: { location: 'w.bin', length: String(2 ** 30) } },
      },
      nodes: [{ op: 'Mul', inputs: ['x', 'w'], outputs: ['y'] }],
    });
    const options = { name: 'm', external: openModelFolder(folder) };
    expect(errorOf(() => importOnnx(big, options)).message).toContain('the file has 24');
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20);
  });

  test('a range far inside a file of 1 TiB is read alone', () => {
    const file = path.join(folder, 'sparse.bin');
    writeFileSync(file, '');
    truncateSync(file, 2 ** 40);
    const place = { location: 'sparse.bin', offset: String(2 ** 39), length: '16' };
    expect(weightsOf(place)).toEqual([0, 0, 0, 0]);
    rmSync(file);
  });

  test('a checksum of another file', () => {
    const external = { location: 'sub/exact.bin', checksum: '0'.repeat(40) };
    const options = { name: 'm', external: openModelFolder(folder) };
    expect(errorOf(() => importOnnx(model(external), options))).toMatchObject({
      code: 'MODEL_INVALID',
      node: 'w',
      message: expect.stringContaining('the model says 000000') as unknown,
    });
  });

  test('a key that occurs twice, data inside and outside', () => {
    const once = model({ location: 'w.bin', offset: '8', length: '16' });
    const twice = model({ location: 'w.bin', locatioN: 'w.bin', length: '16' });
    const at = Buffer.from(twice).indexOf('locatioN');
    twice[at + 7] = 'n'.charCodeAt(0);
    const options = { name: 'm', external: openModelFolder(folder) };
    expect(errorOf(() => importOnnx(twice, options)).message).toContain('"location" occurs twice');
    expect(importOnnx(once, options).program.outputs).toHaveLength(1);
  });
});

test('a model given as bytes alone says what is missing', () => {
  const error = errorOf(() => importOnnx(model({ location: 'w.bin' }), { name: 'm' }));
  expect(error).toMatchObject({ code: 'MODEL_INVALID', node: 'w' });
  expect(error.message).toContain('the model was given as bytes, without the files beside it');
  expect(error.hint).toContain('openModelFolder');
});

test('the digest of a model covers the bytes outside of it', async () => {
  const source = (data: Uint8Array) => ({
    bytes: model({ location: 'w.bin', length: '16' }),
    name: 'm',
    external: { size: () => data.length, read: () => data },
  });
  const other = new Uint8Array(Float32Array.of(0.5, -0.25, 2, 1.0000001).buffer);
  const [first, second] = [await compile(source(bytes)), await compile(source(other))];
  expect(first.planHash).toBe((await compile(source(bytes))).planHash);
  expect(first.planHash).not.toBe(second.planHash);
});
