/** Reading tensors of an ONNX file, checked before anything is allocated. */
import { CipherloomError } from '../../errors.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { printable, quoted } from '../printable.ts';
import type { ElementType, OnnxTensor } from './model.ts';

/** Names by number of TensorProto.DataType. */
const typeNames: readonly string[] = [
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
];

export function elementTypeName(dataType: number): string {
  return typeNames[dataType] ?? `type ${dataType}`;
}

/** Elements of a tensor of this file: 2^28 doubles are 2 GiB. */
const maxElements = 2 ** 28;
const maxFloat32 = (2 - 2 ** -23) * 2 ** 127;

/** The fields of a TensorProto that matter, as the decoder gives them. */
export interface TensorFields {
  readonly name: string;
  readonly dims: readonly number[];
  readonly dataType: number;
  /** Location of the data outside the file, or null. */
  readonly external: string | null;
  readonly raw: Uint8Array | null;
  readonly floats: readonly number[];
  readonly doubles: readonly number[];
  readonly int32s: readonly number[];
  int64s(): readonly number[];
}

interface Reader {
  readonly bytes: number;
  at(view: DataView, offset: number): number;
  typed(fields: TensorFields): readonly number[];
}

const readers: Readonly<Record<ElementType, Reader>> = {
  float32: {
    bytes: 4,
    at: (view, offset) => view.getFloat32(offset, true),
    typed: (fields) => fields.floats,
  },
  float64: {
    bytes: 8,
    at: (view, offset) => view.getFloat64(offset, true),
    typed: (fields) => fields.doubles,
  },
  int64: {
    bytes: 8,
    at: (view, offset) => Number(view.getBigInt64(offset, true)),
    typed: (fields) => fields.int64s(),
  },
  int32: {
    bytes: 4,
    at: (view, offset) => view.getInt32(offset, true),
    typed: (fields) => fields.int32s,
  },
  bool: {
    bytes: 1,
    at: (view, offset) => (view.getUint8(offset) === 0 ? 0 : 1),
    typed: (fields) => fields.int32s.map((value) => (value === 0 ? 0 : 1)),
  },
};

export function isReadable(elementType: string): elementType is ElementType {
  return Object.hasOwn(readers, elementType);
}

/** A tensor that is read, and checked, when it is first needed. */
export function lazyTensor(fields: TensorFields): OnnxTensor {
  const elementType = elementTypeName(fields.dataType);
  let known: { readonly tensor: Tensor; readonly elementType: ElementType } | null = null;
  return {
    name: fields.name,
    dims: fields.dims,
    elementType,
    read() {
      if (!isReadable(elementType)) {
        throw new CipherloomError(
          'MODEL_UNSUPPORTED',
          `tensor ${quoted(fields.name)} has elements of type ${elementType}`,
          {
            phase: 'frontend',
            node: printable(fields.name),
            details: { elementType, supported: Object.keys(readers) },
            hint: 'export the model with float32 weights',
          },
        );
      }
      known ??= { tensor: readTensor(fields, elementType), elementType };
      return known;
    },
  };
}

function readTensor(fields: TensorFields, elementType: ElementType): Tensor {
  const { dims, raw } = fields;
  const shape = `[${dims.join(',')}]`;
  const fail = (reason: string, details: Record<string, unknown> = {}): never => {
    throw new CipherloomError(
      'MODEL_INVALID',
      `tensor ${quoted(fields.name)} ${shape}: ${reason}`,
      {
        phase: 'frontend',
        node: printable(fields.name),
        details: { dims, ...details },
        hint: 'export the model again',
      },
    );
  };
  if (fields.external !== null) {
    throw new CipherloomError(
      'MODEL_UNSUPPORTED',
      `tensor ${quoted(fields.name)} is stored in another file, ${quoted(fields.external)}`,
      {
        phase: 'frontend',
        node: printable(fields.name),
        hint: 'save the model as one file: onnx.save(model, path, save_as_external_data=False)',
      },
    );
  }
  let count = 1;
  for (const extent of dims) {
    if (!Number.isSafeInteger(extent) || extent < 0) fail('an extent is negative or too large');
    count *= extent;
    if (count > maxElements)
      fail(`it would have more than ${maxElements} elements`, { limit: maxElements });
  }
  const reader = readers[elementType];
  const data = new Float64Array(checkedCount());
  if (raw !== null && raw.length > 0) {
    const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
    for (let n = 0; n < count; n++) data[n] = reader.at(view, n * reader.bytes);
  } else {
    data.set(reader.typed(fields));
  }
  if (elementType === 'float32' || elementType === 'float64') {
    for (let n = 0; n < count; n++) {
      const value = data[n]!;
      // Weights are computed with as float32; also refuses NaN and infinities.
      if (!(Math.abs(value) <= maxFloat32)) {
        fail(`element ${n} is ${value}`, { index: n, value: String(value), limit: maxFloat32 });
      }
    }
  }
  return { shape: [...dims], data };

  /** The number of elements, once the stored data is known to have it. */
  function checkedCount(): number {
    const stored =
      raw !== null && raw.length > 0 ? raw.length : reader.typed(fields).length * reader.bytes;
    if (stored !== count * reader.bytes) {
      fail(
        `${count} elements of ${elementType} need ${count * reader.bytes} bytes, it has ${stored}`,
        {
          expected: count * reader.bytes,
          actual: stored,
        },
      );
    }
    return count;
  }
}
