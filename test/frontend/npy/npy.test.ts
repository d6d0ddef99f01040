import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CipherloomError } from '../../../src/errors.ts';
import type { NpyData } from '../../../src/frontend/npy/npy-format.ts';
import { npyNumbers, parseNpy, readNpyFile } from '../../../src/frontend/npy/read-npy.ts';
import { formatNpy } from '../../../src/frontend/npy/write-npy.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cipherloom-npy-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** The bytes of a file with any header text, as a hostile or foreign writer would make it. */
function rawNpy(
  header: string,
  data: Uint8Array,
  version = 1,
  claimed = header.length,
): Uint8Array {
  const text = new TextEncoder().encode(header);
  const length = new Uint8Array(version === 1 ? 2 : 4);
  length.forEach((_, i) => {
    length[i] = Math.floor(claimed / 2 ** (8 * i)) & 0xff;
  });
  return Uint8Array.from([0x93, ...Buffer.from('NUMPY'), version, 0, ...length, ...text, ...data]);
}

function fault(bytes: Uint8Array): CipherloomError {
  try {
    parseNpy(bytes, 'x.npy');
  } catch (error) {
    expect(error).toBeInstanceOf(CipherloomError);
    return error as CipherloomError;
  }
  throw new Error('it was accepted');
}

const elements = (count: number): fc.Arbitrary<NpyData> =>
  fc.oneof(
    fc.float32Array({ minLength: count, maxLength: count }).map((a) => new Float32Array(a)),
    fc.float64Array({ minLength: count, maxLength: count }).map((a) => new Float64Array(a)),
    fc.int32Array({ minLength: count, maxLength: count }).map((a) => new Int32Array(a)),
    fc.uint8Array({ minLength: count, maxLength: count }).map((a) => new Uint8Array(a)),
    fc.bigInt64Array({ minLength: count, maxLength: count }).map((a) => new BigInt64Array(a)),
  );

const arrays = fc
  .array(fc.nat(4), { maxLength: 5 })
  .chain((shape) => elements(shape.reduce((a, b) => a * b, 1)).map((data) => ({ shape, data })));

describe('what is written', () => {
  test('is read back, from memory and from a file', () => {
    fc.assert(
      fc.property(arrays, (array) => {
        const bytes = formatNpy(array);
        expect(parseNpy(bytes, 'x.npy')).toEqual(array);
        const path = join(folder, 'round-trip.npy');
        writeFileSync(path, bytes);
        expect(readNpyFile(path)).toEqual(array);
      }),
      { numRuns: 200 },
    );
  });

  test('has its elements at a multiple of 64 bytes', () => {
    const bytes = formatNpy({ shape: [2, 3], data: new Float32Array(6) });
    expect((bytes.length - 24) % 64).toBe(0);
  });

  test('is byte for byte what numpy wrote', () => {
    for (const name of ['images', 'labels', 'calibration']) {
      const bytes = readFileSync(new URL(`../../../examples/mnist/${name}.npy`, import.meta.url));
      const again = formatNpy(parseNpy(bytes, name));
      expect(Buffer.compare(again, bytes), name).toBe(0);
    }
  });
});

test('versions 2 and 3 and an unaligned start are read', () => {
  for (const version of [2, 3]) {
    const bytes = rawNpy(
      "{'shape':(2,),'fortran_order':False,'descr':\"<i4\"}",
      Uint8Array.of(1, 0, 0, 0, 2, 0, 0, 0),
      version,
    );
    expect(parseNpy(bytes, 'x.npy')).toEqual({ shape: [2], data: Int32Array.of(1, 2) });
  }
});

test('Fortran order becomes row-major', () => {
  // np.arange(24).reshape(2, 3, 4) in the order of its memory when stored column-major.
  const shape = [2, 3, 4];
  const stored = new Uint8Array(24);
  for (let i = 0; i < 2; i += 1)
    for (let j = 0; j < 3; j += 1)
      for (let k = 0; k < 4; k += 1) stored[i + 2 * j + 6 * k] = 12 * i + 4 * j + k;
  const bytes = rawNpy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 4), }\n", stored);
  expect(parseNpy(bytes, 'x.npy')).toEqual({
    shape,
    data: Uint8Array.from({ length: 24 }, (_, i) => i),
  });
});

describe('a limit', () => {
  const array = { shape: [5, 2], data: Float32Array.from({ length: 10 }, (_, i) => i) };

  test.each([0, 1, 3, 5, 9])('of %i keeps the first entries', (limit) => {
    const path = join(folder, 'limit.npy');
    writeFileSync(path, formatNpy(array));
    const kept = Math.min(limit, 5);
    expect(readNpyFile(path, { limit })).toEqual({
      shape: [kept, 2],
      data: array.data.slice(0, 2 * kept),
    });
  });

  test('works in Fortran order', () => {
    const path = join(folder, 'limit-fortran.npy');
    writeFileSync(
      path,
      rawNpy(
        "{'descr': '|u1', 'fortran_order': True, 'shape': (3, 2), }\n",
        Uint8Array.of(0, 2, 4, 1, 3, 5),
      ),
    );
    expect(readNpyFile(path, { limit: 2 })).toEqual({
      shape: [2, 2],
      data: Uint8Array.of(0, 1, 2, 3),
    });
  });
});

describe('int64 as numbers', () => {
  test('keeps what a double can hold', () => {
    const array = { shape: [2], data: BigInt64Array.of(-7n, 2n ** 53n - 1n) };
    expect(npyNumbers(array, 'x')).toEqual(Float64Array.of(-7, 2 ** 53 - 1));
  });

  test('refuses what it cannot', () => {
    const array = { shape: [2], data: BigInt64Array.of(0n, 2n ** 53n) };
    expect(() => npyNumbers(array, 'labels.npy')).toThrow(
      'labels.npy: element 1 is 9007199254740992',
    );
  });
});

describe('hostile files', () => {
  const good = formatNpy({ shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) });
  const header = (shape: string, descr = "'<f4'") =>
    `{'descr': ${descr}, 'fortran_order': False, 'shape': ${shape}, }\n`;

  test('cut anywhere, or with bytes after the end, are refused with both lengths', () => {
    for (let length = 0; length < good.length; length += 1) {
      expect(fault(good.subarray(0, length)).code, `length ${length}`).toBe('DATA_INVALID');
    }
    const longer = fault(Uint8Array.from([...good, 0]));
    expect(longer.details).toMatchObject({ expected: good.length, actual: good.length + 1 });
  });

  test('the same through the file reader', () => {
    for (const length of [0, 1, 6, 9, 11, 12, 50, 127, 128, good.length - 1]) {
      const path = join(folder, `cut-${length}.npy`);
      writeFileSync(path, good.subarray(0, length));
      expect(() => readNpyFile(path), `length ${length}`).toThrow(CipherloomError);
    }
  });

  test('with any byte of the header changed are refused or give the declared number of elements', () => {
    fc.assert(
      fc.property(fc.nat(good.length - 25), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = good.slice();
        bytes[at] = bytes[at]! ^ change;
        try {
          const { shape, data } = parseNpy(bytes, 'x.npy');
          expect(shape.reduce((a, b) => a * b, 1)).toBe(data.length);
        } catch (error) {
          expect(error).toMatchObject({ code: 'DATA_INVALID' });
        }
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    [
      'a header of 2 GiB',
      rawNpy(header('(1,)'), new Uint8Array(4), 2, 2 ** 31),
      'at most 10000 are read',
    ],
    ['pickled objects', rawNpy(header('(1,)', "'|O'"), new Uint8Array(8)), 'pickled'],
    ['big-endian elements', rawNpy(header('(1,)', "'>f4'"), new Uint8Array(4)), 'big-endian'],
    ['float16', rawNpy(header('(1,)', "'<f2'"), new Uint8Array(2)), 'is not supported'],
    ['records', rawNpy(header('(1,)', "[('a', '<f4')]"), new Uint8Array(4)), 'structured'],
    ['2^40 elements', rawNpy(header('(1099511627776,)'), new Uint8Array(4)), 'truncated'],
    [
      'an overflowing product',
      rawNpy(header('(4294967296, 4294967296)'), new Uint8Array(4)),
      'more elements',
    ],
    ['a negative extent', rawNpy(header('(-1,)'), new Uint8Array(4)), 'malformed'],
    ['a fractional extent', rawNpy(header('(1.5,)'), new Uint8Array(4)), 'malformed'],
    ['33 axes', rawNpy(header(`(${'1,'.repeat(33)})`), new Uint8Array(4)), 'at most 32'],
    ['code', rawNpy("__import__('os').system('true')", new Uint8Array(4)), 'malformed'],
    [
      'a key twice',
      rawNpy("{'descr': '<f4', 'descr': '<f8', 'shape': (1,)}", new Uint8Array(4)),
      'malformed',
    ],
    ['a key missing', rawNpy("{'descr': '<f4', 'shape': (1,)}", new Uint8Array(4)), 'must hold'],
    [
      '__proto__ as a key',
      rawNpy("{'__proto__': (1,), 'descr': '<f4', 'shape': (1,)}", new Uint8Array(4)),
      'must hold',
    ],
    [
      'a header that is not text',
      rawNpy(header('(1,)').replace('f4', 'f\u{fffd}'), new Uint8Array(4)).map((byte) =>
        byte === 0xef ? 0xff : byte,
      ),
      'not text',
    ],
    ['version 4', Uint8Array.from([...good.subarray(0, 6), 4, ...good.subarray(7)]), 'version 4'],
    ['a zip archive', Uint8Array.from([0x50, 0x4b, 3, 4, ...new Uint8Array(20)]), 'zip archive'],
  ])('with %s are refused by name', (_, bytes, message) => {
    const error = fault(bytes);
    expect(error.code).toBe('DATA_INVALID');
    expect(error.node).toBe('x.npy');
    expect(error.message).toContain(message);
    expect(error.hint).toBeTruthy();
  });

  test('a folder and an absent file are refused by name', () => {
    expect(() => readNpyFile(folder)).toThrow(`${folder} is not a file`);
    const absent = join(folder, 'absent.npy');
    expect(() => readNpyFile(absent)).toThrow(`${absent} cannot be read`);
  });
});
