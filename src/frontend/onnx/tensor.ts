/** Reading tensors of an ONNX file, checked before anything is allocated. */
import { CipherloomError } from '../../errors.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { printable, quoted } from '../printable.ts';
import {
  elementTypeName,
  formatOf,
  integerBounds,
  isReadable,
  readableTypes,
  storedBytes,
} from './element-types.ts';
import type { ElementType, TypedField } from './element-types.ts';
import type { ExternalRange, ReadExternal } from './external-data.ts';
import type { OnnxTensor } from './model.ts';

/** Elements of a tensor of this file: 2^28 doubles are 2 GiB. */
const maxElements = 2 ** 28;
/** As many axes as numpy allows. */
export const maxRank = 64;

/** The fields of a TensorProto that matter, as the decoder gives them. */
export interface TensorFields extends Readonly<Record<TypedField, () => readonly number[]>> {
  readonly name: string;
  readonly dims: readonly number[];
  readonly dataType: number;
  /** Where the data stands outside the file, or null. */
  readonly external: ExternalRange | null;
  readonly raw: Uint8Array | null;
}

/** A tensor that is read, and checked, when it is first needed. */
export function lazyTensor(fields: TensorFields, readExternal: ReadExternal): OnnxTensor {
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
            details: { elementType, supported: readableTypes },
            hint: 'export the model with float32 weights',
          },
        );
      }
      known ??= { tensor: readTensor(fields, elementType, readExternal), elementType };
      return known;
    },
  };
}

function readTensor(
  fields: TensorFields,
  elementType: ElementType,
  readExternal: ReadExternal,
): Tensor {
  const { dims, raw, external } = fields;
  const format = formatOf(elementType);
  const count = elementCountOf(fields);
  const expected = storedBytes(elementType, count);
  const inRaw = raw !== null && raw.length > 0;
  let data: Float64Array<ArrayBuffer>;
  if (external !== null) {
    if (inRaw) throw tensorError(fields, 'it has data in the file and outside of it');
    data = elementsOf(readExternal(external, expected), count, elementType);
  } else if (inRaw) {
    if (raw.length !== expected) throw wrongLength(raw.length);
    data = elementsOf(raw, count, elementType);
  } else {
    const entries = fields[format.field]();
    // float16 and integers of up to 32 bits share one list; two elements of 4 bits share an entry.
    const unitBits = Math.max(format.bits, 8);
    const units = Math.ceil((count * format.bits) / unitBits);
    if (entries.length !== units) throw wrongLength((entries.length * unitBits) / 8);
    data =
      format.field === 'int32s'
        ? elementsOf(bytesOf(entries, fields, elementType), count, elementType)
        : Float64Array.from(entries);
  }
  if (format.kind === 'float') {
    const index = data.findIndex(Number.isNaN);
    if (index >= 0) {
      throw tensorError(fields, `element ${index} is NaN`, { index, value: 'NaN' });
    }
  }
  return { shape: [...dims], data };

  function wrongLength(actual: number): CipherloomError {
    return tensorError(
      fields,
      `${count} elements of ${elementType} need ${expected} bytes, it has ${actual}`,
      { expected, actual },
    );
  }
}

function tensorError(
  { name, dims }: TensorFields,
  reason: string,
  details: Readonly<Record<string, unknown>> = {},
): CipherloomError {
  return new CipherloomError(
    'MODEL_INVALID',
    `tensor ${quoted(name)} ${dimsText(dims)}: ${reason}`,
    {
      phase: 'frontend',
      node: printable(name),
      details: { dims: dims.slice(0, shownDims), ...details },
      hint: 'export the model again',
    },
  );
}

const shownDims = 16;

function dimsText(dims: readonly number[]): string {
  const shown = dims.slice(0, shownDims).join(',');
  return dims.length > shownDims ? `[${shown},…]` : `[${shown}]`;
}

/** The product of the dims. Throws MODEL_INVALID. */
function elementCountOf(fields: TensorFields): number {
  if (fields.dims.length > maxRank)
    throw tensorError(fields, `it has ${fields.dims.length} axes, at most ${maxRank} are read`);
  let count = 1;
  for (const extent of fields.dims) {
    if (!Number.isSafeInteger(extent) || extent < 0)
      throw tensorError(fields, 'an extent is negative or too large');
    count *= extent;
    // An extent of 0 elsewhere must not hide a huge one.
    if (Math.max(count, extent) > maxElements) {
      throw tensorError(fields, `it would have more than ${maxElements} elements`, {
        limit: maxElements,
      });
    }
  }
  return count;
}

function elementsOf(
  bytes: Uint8Array,
  count: number,
  elementType: ElementType,
): Float64Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { at } = formatOf(elementType);
  const data = new Float64Array(count);
  for (let n = 0; n < count; n++) data[n] = at(view, n);
  return data;
}

/** Entries of int32_data as they would stand in raw_data. Throws MODEL_INVALID. */
function bytesOf(
  entries: readonly number[],
  fields: TensorFields,
  elementType: ElementType,
): Uint8Array {
  const { kind, bits } = formatOf(elementType);
  // Floats are there as their bits, and so are pairs of 4-bit integers.
  const asBits = kind === 'float' || bits === 4;
  const [lo, hi] = asBits ? [0, 2 ** Math.max(bits, 8) - 1] : integerBounds(elementType);
  const unit = Math.max(bits, 8) / 8;
  const view = new DataView(new ArrayBuffer(entries.length * unit));
  entries.forEach((entry, n) => {
    if (entry < lo || entry > hi) {
      throw tensorError(fields, `entry ${n} is ${entry}, which is no ${elementType}`, {
        index: n,
        value: entry,
        lowest: lo,
        highest: hi,
      });
    }
    if (unit === 1) view.setUint8(n, entry);
    else if (unit === 2) view.setUint16(2 * n, entry, true);
    else view.setInt32(4 * n, entry, true);
  });
  return new Uint8Array(view.buffer);
}
