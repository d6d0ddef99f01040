import { CipherloomError, invariant } from '../../errors.ts';

/**
 * The `.npy` format: a magic, a version, the length of a header, a Python dictionary literal, and
 * the raw elements.
 *
 * Source  numpy/lib/format.py, versions 1.0 to 3.0
 */

export type NpyData =
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

export interface NpyArray {
  readonly shape: readonly number[];
  /** Row-major. */
  readonly data: NpyData;
}

export interface NpyType {
  /** As in the header. */
  readonly descr: string;
  readonly bytes: number;
  view(buffer: ArrayBuffer): NpyData;
}

/** Element types by their name in numpy. */
export const npyTypes = {
  float32: { descr: '<f4', bytes: 4, view: (buffer) => new Float32Array(buffer) },
  float64: { descr: '<f8', bytes: 8, view: (buffer) => new Float64Array(buffer) },
  int32: { descr: '<i4', bytes: 4, view: (buffer) => new Int32Array(buffer) },
  int64: { descr: '<i8', bytes: 8, view: (buffer) => new BigInt64Array(buffer) },
  uint8: { descr: '|u1', bytes: 1, view: (buffer) => new Uint8Array(buffer) },
} as const satisfies Readonly<Record<string, NpyType>>;

/** Elements are viewed in place, and the format's descriptors here are little-endian. */
invariant(new Uint8Array(Uint16Array.of(1).buffer)[0] === 1, 'a big-endian machine');

export const npyMagic = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59); // \x93NUMPY

/** Magic, version, and the longer of the two forms of the header's length. */
export const npyPreambleBytes = 12;

/** numpy itself writes under 200 bytes for plain arrays and refuses to read over 10,000. */
const maxHeaderBytes = 10_000;

/** numpy's own limit is 64; nothing here has more axes than an ONNX tensor in practice. */
const maxRank = 32;

export interface NpyPreamble {
  readonly headerStart: number;
  readonly headerBytes: number;
}

export interface NpyHeader {
  readonly type: NpyType;
  readonly shape: readonly number[];
  readonly fortranOrder: boolean;
  readonly elements: number;
  readonly dataBytes: number;
}

/** An error about the file `name`. */
export function npyError(
  name: string,
  message: string,
  details: Readonly<Record<string, unknown>> = {},
  hint = "write it in Python with np.save(path, array.astype('float32'))",
): CipherloomError {
  return new CipherloomError('DATA_INVALID', `${name}: ${message}`, {
    phase: 'frontend',
    node: name,
    details,
    hint,
  });
}

/** Read magic, version and the header's length from the first bytes of a file. */
export function parseNpyPreamble(bytes: Uint8Array, name: string): NpyPreamble {
  if (npyMagic.some((byte, i) => bytes[i] !== byte)) {
    const zip = bytes[0] === 0x50 && bytes[1] === 0x4b;
    throw npyError(
      name,
      `not a .npy file: ${zip ? 'it is a zip archive' : 'wrong magic at byte 0'}`,
      {
        offset: 0,
      },
    );
  }
  const major = bytes[6];
  const lengthBytes = major === 1 ? 2 : 4;
  if (major !== undefined && (major < 1 || major > 3)) {
    throw npyError(name, `.npy version ${major} is not known; versions 1 to 3 are`, {
      version: major,
    });
  }
  if (bytes.length < 8 + lengthBytes) {
    throw npyError(name, `ends at byte ${bytes.length}, inside the preamble`, {
      expected: 8 + lengthBytes,
      actual: bytes.length,
    });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (headerBytes > maxHeaderBytes) {
    throw npyError(
      name,
      `the header claims ${headerBytes} bytes; at most ${maxHeaderBytes} are read`,
      {
        headerBytes,
        limit: maxHeaderBytes,
      },
    );
  }
  return { headerStart: 8 + lengthBytes, headerBytes };
}

/** Read the dictionary: element type, order, shape; sizes are checked before anything is allocated. */
export function parseNpyHeader(header: Uint8Array, name: string): NpyHeader {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(header);
  } catch (cause) {
    throw npyError(name, 'the header is not text', { cause: String(cause) });
  }
  const entries = parseDictionary(text, name);
  const { descr, fortran_order: fortranOrder, shape } = entries;
  if (typeof descr !== 'string') {
    throw npyError(name, "the header's descr is not the name of one element type");
  }
  if (typeof fortranOrder !== 'boolean') {
    throw npyError(name, "the header's fortran_order is neither True nor False");
  }
  if (!Array.isArray(shape)) throw npyError(name, "the header's shape is not a tuple");

  const type = Object.values(npyTypes).find((known) => known.descr === descr);
  if (type === undefined) throw unsupportedType(descr, name);

  // Checked factor by factor: a product in double precision would round instead of overflow.
  const limit = Math.floor(Number.MAX_SAFE_INTEGER / type.bytes);
  let elements = 1;
  for (const extent of shape) {
    if (extent !== 0 && elements > limit / extent) {
      throw npyError(name, `shape (${shape.join(', ')}) has more elements than a file can hold`, {
        shape,
      });
    }
    elements *= extent;
  }
  return { type, shape, fortranOrder, elements, dataBytes: elements * type.bytes };
}

function unsupportedType(descr: string, name: string): CipherloomError {
  if (descr.includes('O')) {
    return npyError(name, 'holds pickled Python objects, which are never loaded', { descr });
  }
  const supported = Object.keys(npyTypes).join(', ');
  const reason = descr.startsWith('>') ? 'is big-endian' : 'is not supported';
  return npyError(
    name,
    `element type ${JSON.stringify(descr)} ${reason}; ${supported} are (little-endian)`,
    {
      descr,
    },
  );
}

type Literal = string | boolean | number[];

/** One token of a Python dictionary of strings, booleans and tuples of whole numbers. */
const token = /\s*(?:'([^'\\\n]*)'|"([^"\\\n]*)"|(True|False)\b|\(([\d\s,L]*)\)|([{}:,[\]])|(\S))/y;

function parseDictionary(text: string, name: string): Readonly<Partial<Record<string, Literal>>> {
  let at = 0;
  const next = (): { punctuation?: string; literal?: Literal } => {
    token.lastIndex = at;
    const match = token.exec(text);
    if (match === null) return {};
    at = token.lastIndex;
    const [, single, double, boolean, tuple, punctuation, other] = match;
    if (single !== undefined || double !== undefined) return { literal: (single ?? double)! };
    if (boolean !== undefined) return { literal: boolean === 'True' };
    if (tuple !== undefined) return { literal: parseTuple(tuple, name) };
    return { punctuation: (punctuation ?? other)! };
  };
  const malformed = () =>
    npyError(name, `the header is malformed at its byte ${at}`, { headerOffset: at });

  const entries = new Map<string, Literal>();
  if (next().punctuation !== '{') throw malformed();
  for (;;) {
    const key = next();
    if (key.punctuation === '}') break;
    if (typeof key.literal !== 'string' || entries.has(key.literal)) throw malformed();
    if (next().punctuation !== ':') throw malformed();
    const value = next();
    if (value.punctuation === '[') {
      throw npyError(name, 'holds records (a structured type); one element type is needed');
    }
    if (value.literal === undefined) throw malformed();
    entries.set(key.literal, value.literal);
    const end = next();
    if (end.punctuation === '}') break;
    if (end.punctuation !== ',') throw malformed();
  }
  if (text.slice(at).trim() !== '') throw malformed();
  const unknown = [...entries.keys()].find(
    (key) => !['descr', 'fortran_order', 'shape'].includes(key),
  );
  if (unknown !== undefined || entries.size !== 3) {
    throw npyError(name, 'the header must hold descr, fortran_order and shape, and nothing else', {
      keys: [...entries.keys()],
    });
  }
  return Object.fromEntries(entries);
}

function parseTuple(text: string, name: string): number[] {
  const trimmed = text.trim();
  if (trimmed === '') return [];
  const parts = trimmed.replace(/,\s*$/, '').split(',');
  // (3) is a number in Python, and only (3,) a tuple: both mean the same here.
  const shape = parts.map((part) =>
    /^\s*\d{1,16}L?\s*$/.test(part) ? Number.parseInt(part, 10) : NaN,
  );
  if (shape.length > maxRank || !shape.every(Number.isSafeInteger)) {
    throw npyError(
      name,
      `the shape (${trimmed.slice(0, 200)}) is not a tuple of at most ${maxRank} whole numbers`,
      {
        rank: shape.length,
      },
    );
  }
  return shape;
}
