import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { NpyArray } from '../../../src/frontend/npy/npy-format.ts';
import { openNpz } from '../../../src/frontend/npy/read-npz.ts';
import { formatNpy } from '../../../src/frontend/npy/write-npy.ts';
import { formatNpz } from '../../../src/frontend/npy/write-npz.ts';
import { readNpz } from '../../../src/index.ts';
import { errorOf } from '../../support/error-of.ts';
import { zipFile } from '../../support/zip-file.ts';

function vector(...data: readonly number[]): NpyArray {
  return { shape: [data.length], data: Float64Array.from(data) };
}

const x = vector(1, 2, 3);
const content = formatNpy(x);
const deflated = deflateRawSync(content);
/** An entry as np.savez_compressed writes it. */
const packed = { name: 'x.npy', method: 8, content: deflated, of: content };
const stored = { name: 'x.npy', method: 0, content, of: content };

function readAll(bytes: Uint8Array): Map<string, NpyArray> {
  const archive = openNpz(bytes, 'x.npz');
  return new Map(archive.names.map((name) => [name, archive.read(name)]));
}

const fault = (bytes: Uint8Array) => errorOf(() => readAll(bytes));

const arrays = fc
  .uniqueArray(fc.string({ unit: 'grapheme', maxLength: 8 }), { maxLength: 5 })
  .chain((names) =>
    fc
      .array(fc.array(fc.double({ noNaN: true }), { maxLength: 9 }), {
        minLength: names.length,
        maxLength: names.length,
      })
      .map((data) => new Map(names.map((name, k) => [name, vector(...data[k]!)]))),
  );

describe('what is written', () => {
  test('is read back, names and all, and is the same each time', () => {
    fc.assert(
      fc.property(arrays, (map) => {
        const bytes = formatNpz(map);
        expect(readAll(bytes)).toEqual(map);
        expect(Buffer.compare(formatNpz(map), bytes)).toBe(0);
      }),
    );
  });

  test('is read by the public function as numbers', () => {
    const bytes = formatNpz(new Map([['a/b', { shape: [2, 1], data: Int32Array.of(4, -5) }]]));
    expect(readNpz(bytes)).toEqual(
      new Map([['a/b', { shape: [2, 1], data: Float64Array.of(4, -5) }]]),
    );
  });
});

describe('what numpy writes', () => {
  test('stored and deflated entries', () => {
    expect(readAll(zipFile([{ ...stored, name: 'a.npy' }, packed]))).toEqual(
      new Map([
        ['a', x],
        ['x', x],
      ]),
    );
  });

  test('sizes of the local header in a zip64 field, which np.savez forces', () => {
    const zip64 = Buffer.alloc(20);
    zip64.writeUInt16LE(1, 0);
    zip64.writeUInt16LE(16, 2);
    zip64.writeBigUInt64LE(BigInt(content.length), 4);
    zip64.writeBigUInt64LE(BigInt(deflated.length), 12);
    expect(readAll(zipFile([{ ...packed, localExtra: zip64, localSizes: 0xffff_ffff }]))).toEqual(
      new Map([['x', x]]),
    );
  });

  test('an archive without arrays, and one with a comment', () => {
    expect(readAll(zipFile([]))).toEqual(new Map());
    expect(readAll(zipFile([packed], { comment: 'of a user' })).get('x')).toEqual(x);
  });
});

describe('what is refused', () => {
  const zeros = formatNpy({ shape: [1 << 20], data: new Float32Array(1 << 20) });
  const header = formatNpy(vector()).length;

  test.each<[string, Uint8Array, RegExp]>([
    ['an empty file', new Uint8Array(), /not a \.npz file/],
    ['a .npy file', content, /not a \.npz file/],
    ['no directory', zipFile([packed]).subarray(0, 60), /truncated zip archive/],
    ['bytes before the archive', Buffer.concat([new Uint8Array(5), zipFile([packed])]), /directory/],
    ['a name twice', zipFile([packed, packed]), /"x\.npy" stands twice/],
    ['an entry that is no array', zipFile([{ ...packed, name: 'x.txt' }]), /no \.npy file/],
    ['two names', zipFile([{ ...packed, localName: 'y.npy' }]), /another name in its own header/],
    ['a name that is no text', zipFile([{ ...packed, name: Uint8Array.of(0xff) }]), /no text/],
    ['encryption', zipFile([{ ...packed, flags: 1 }]), /is encrypted/],
    ['another compression', zipFile([{ ...packed, method: 12 }]), /method 12; 0 and 8 are read/],
    ['zip64', zipFile([{ ...packed, bytes: 0xffff_ffff }]), /zip64/],
    ['a wrong checksum', zipFile([{ ...packed, crc: 5 }]), /checksum is \d+, not 5/],
    ['damaged stored bytes', zipFile([{ ...stored, crc: 5 }]), /checksum/],
    ['damaged deflated bytes', zipFile([{ ...packed, content: new Uint8Array(40).fill(0xff) }]), /cannot be inflated/],
    ['truncated deflated bytes', zipFile([{ ...packed, content: deflated.subarray(0, -4) }]), /cannot be inflated|checksum|truncated/],
    ['a length that the header does not state', zipFile([{ ...packed, bytes: 5000 }]), /5000 bytes, its header states/],
    ['a stored length that lies', zipFile([{ ...stored, bytes: 5 }]), /directory states 5/],
    ['entries in the same bytes', zipFile([stored, { ...stored, name: 'y.npy', start: 0 }]), /inside another one/],
    ['an entry in the directory', zipFile([{ ...stored, start: 10 ** 6 }]), /reaches past byte/],
    ['more bytes than the header states', zipFile([{ ...packed, of: zeros.subarray(0, header + 8), content: deflateRawSync(zeros) }]), /header states|cannot be inflated/],
  ])('%s', (_, bytes, message) => {
    const error = fault(bytes);
    expect(error.code).toBe('DATA_INVALID');
    expect(error.message).toMatch(message);
    expect(error.hint ?? '').not.toBe('');
  }); // prettier-ignore

  test('pickled objects', () => {
    const objects = new TextEncoder().encode(
      "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n",
    );
    const bytes = Uint8Array.from([...content.subarray(0, 8), objects.length, 0, ...objects, 0x80]);
    for (const entry of [
      { name: 'x.npy', method: 0, content: bytes, of: bytes },
      { name: 'x.npy', method: 8, content: deflateRawSync(bytes), of: bytes },
    ]) {
      expect(fault(zipFile([entry])).message).toMatch(/pickled Python objects/);
    }
  });

  test('a bomb, without inflating it: what its header states is the limit', () => {
    const small = formatNpy(vector());
    const bomb = deflateRawSync(Buffer.concat([small, new Uint8Array(2 ** 28)]));
    const stated = zipFile([{ name: 'x.npy', method: 8, content: bomb, of: small }]);
    const before = process.memoryUsage().arrayBuffers;
    expect(fault(stated).message).toMatch(/cannot be inflated to/);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 26);
  });

  test('more than 2 GiB in all', () => {
    const entries = [0, 1].map((n) => ({ ...packed, name: `${n}.npy`, bytes: 2 ** 31 - 1 }));
    expect(fault(zipFile(entries)).code).toBe('RESOURCE_LIMIT');
  });

  test('any damaged archive, by name, without another error', () => {
    const good = zipFile([packed, { ...stored, name: 'y.npy' }]);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        fc.nat(good.length),
        fc.boolean(),
        (changes, end, cut) => {
          const bad = Uint8Array.from(good);
          for (const [at, value] of changes) bad[at] = value;
          try {
            readAll(cut ? bad.subarray(0, end) : bad);
          } catch (error) {
            expect(['DATA_INVALID', 'RESOURCE_LIMIT']).toContain((error as { code: string }).code);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });

  test('names are names, not paths', () => {
    const names = ['../../x', '/etc/passwd', 'C:\\x', '__proto__'];
    const archive = openNpz(
      zipFile(names.map((name) => ({ ...packed, name: `${name}.npy` }))),
      'x.npz',
    );
    expect(archive.names).toEqual(names);
    for (const name of names) expect(archive.read(name)).toEqual(x);
  });
});
