/** Element types of ONNX tensors: how each is stored, and how a number becomes one of them. */

/** Names by number of TensorProto.DataType. */
const typeNames = [
  'undefined',
  'float32',
  'uint8',
  'int8',
  'uint16',
  'int16',
  'int32',
  'int64',
  'string',
  'bool',
  'float16',
  'float64',
  'uint32',
  'uint64',
  'complex64',
  'complex128',
  'bfloat16',
  'float8e4m3fn',
  'float8e4m3fnuz',
  'float8e5m2',
  'float8e5m2fnuz',
  'uint4',
  'int4',
  'float4e2m1',
] as const;

/** The name of an element type by its number, also of those that cannot be read. */
export function elementTypeName(dataType: number): string {
  return typeNames[dataType] ?? `type ${dataType}`;
}

/** The typed field of a TensorProto that holds the elements where raw_data does not. */
export type TypedField = 'floats' | 'doubles' | 'int32s' | 'int64s' | 'uint64s';

interface ElementFormat {
  readonly kind: 'float' | 'integer';
  /** Bits of an element in raw_data. */
  readonly bits: 4 | 8 | 16 | 32 | 64;
  readonly field: TypedField;
  /** Element n of raw_data. */
  readonly at: (view: DataView, n: number) => number;
  /** A number as Cast makes it an element. */
  readonly convert: (value: number) => number;
}

function float(
  bits: 16 | 32 | 64,
  field: TypedField,
  at: ElementFormat['at'],
  convert: ElementFormat['convert'],
): ElementFormat {
  return { kind: 'float', bits, field, at, convert };
}

function integer(
  bits: ElementFormat['bits'],
  field: TypedField,
  signed: boolean,
  at: ElementFormat['at'],
): ElementFormat {
  return { kind: 'integer', bits, field, at, convert: (value) => wrapped(value, bits, signed) };
}

/** A number without its fraction, modulo 2^bits: what two's complement keeps of it. */
function wrapped(value: number, bits: number, signed: boolean): number {
  const whole = Math.trunc(value);
  const [lo, hi] = boundsOf(bits, signed);
  if (whole >= lo && whole <= hi) return whole;
  if (!Number.isFinite(whole)) return 0;
  const exact = BigInt(whole);
  return Number(signed ? BigInt.asIntN(bits, exact) : BigInt.asUintN(bits, exact));
}

function boundsOf(bits: number, signed: boolean): readonly [lo: number, hi: number] {
  return signed ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
}

const scratch = new DataView(new ArrayBuffer(4));

/** The upper half of a float32. */
function bfloat16(bits: number): number {
  scratch.setUint32(0, bits * 2 ** 16);
  return scratch.getFloat32(0);
}

/** Round to the nearest bfloat16, ties to the even one. */
function toBfloat16(value: number): number {
  if (!Number.isFinite(value)) return value;
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  return bfloat16(((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff);
}

/** Two elements stand in a byte, the first one in its lower half. */
function nibble(view: DataView, n: number): number {
  return (view.getUint8(n >>> 1) >>> (n % 2 === 0 ? 0 : 4)) & 15;
}

const formats = {
  float32: float(32, 'floats', (view, n) => view.getFloat32(4 * n, true), Math.fround),
  float64: float(
    64,
    'doubles',
    (view, n) => view.getFloat64(8 * n, true),
    (value) => value,
  ),
  float16: float(16, 'int32s', (view, n) => view.getFloat16(2 * n, true), Math.f16round),
  bfloat16: float(16, 'int32s', (view, n) => bfloat16(view.getUint16(2 * n, true)), toBfloat16),
  int64: integer(64, 'int64s', true, (view, n) => Number(view.getBigInt64(8 * n, true))),
  int32: integer(32, 'int32s', true, (view, n) => view.getInt32(4 * n, true)),
  int16: integer(16, 'int32s', true, (view, n) => view.getInt16(2 * n, true)),
  int8: integer(8, 'int32s', true, (view, n) => view.getInt8(n)),
  int4: integer(4, 'int32s', true, (view, n) => (nibble(view, n) ^ 8) - 8),
  uint64: integer(64, 'uint64s', false, (view, n) => Number(view.getBigUint64(8 * n, true))),
  uint32: integer(32, 'uint64s', false, (view, n) => view.getUint32(4 * n, true)),
  uint16: integer(16, 'int32s', false, (view, n) => view.getUint16(2 * n, true)),
  uint8: integer(8, 'int32s', false, (view, n) => view.getUint8(n)),
  uint4: integer(4, 'int32s', false, nibble),
  bool: {
    ...integer(8, 'int32s', false, (view, n) => (view.getUint8(n) === 0 ? 0 : 1)),
    convert: (value) => (value === 0 ? 0 : 1),
  },
} as const satisfies Partial<Record<(typeof typeNames)[number], ElementFormat>>;

/** Element types whose tensors can be read. */
export type ElementType = keyof typeof formats;

export const readableTypes: readonly string[] = Object.keys(formats);

export function isReadable(elementType: string): elementType is ElementType {
  return Object.hasOwn(formats, elementType);
}

export function formatOf(elementType: ElementType): ElementFormat {
  return formats[elementType];
}

export function isInteger(elementType: ElementType): boolean {
  return elementType !== 'bool' && formats[elementType].kind === 'integer';
}

/** Smallest and largest integer of a type. */
export function integerBounds(elementType: ElementType): readonly [lo: number, hi: number] {
  return boundsOf(formats[elementType].bits, elementType.startsWith('int'));
}

/** Bytes of raw_data for so many elements. */
export function storedBytes(elementType: ElementType, count: number): number {
  return Math.ceil((count * formats[elementType].bits) / 8);
}
