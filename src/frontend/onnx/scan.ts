/**
 * A walk over the bytes of an ONNX file before anything is decoded or allocated.
 *
 * The decoder behind onnx-proto trusts wire types and lengths, recurses without bound and reads
 * varints of 6 to 9 bytes wrongly where it expects 32 bits. The scan refuses whatever the two could
 * read differently, so that a file that passes is decoded as it was checked.
 */
import { CipherloomError } from '../../errors.ts';
import { printable, quoted } from '../printable.ts';
import { fieldOf, isMessage } from './schema.ts';
import type { Field, FieldKind, MessageName } from './schema.ts';

const limits = {
  /** Messages inside messages; a graph with three levels of control flow has about 20. */
  nesting: 64,
  /** Fields of the whole file: each becomes an object or a string of 100 to 200 bytes. */
  fields: 2 ** 20,
  /** Bytes of one packed integer list: each element becomes an object. */
  packedIntegers: 2 ** 24,
  /** Typed arrays and the decoder's 32-bit positions end here. */
  fileBytes: 2 ** 31 - 1,
} as const;

interface Varint {
  readonly value: bigint;
  readonly bytes: number;
}

/** The message that is being walked, with its ancestors. */
interface Frame {
  readonly message: MessageName;
  readonly parent: Frame | null;
  /** Field of the parent that holds this message, with its number among those of the same name. */
  readonly label: string;
  /** Content of the field `name`, once it was seen. */
  name: string | null;
}

/**
 * Check the wire form of a whole file.
 *
 * Throws MODEL_INVALID naming the file, the byte offset and the path of the field, RESOURCE_LIMIT
 * for more than a million fields or 2 GiB. Cost: one pass, no allocation that grows with a length
 * field.
 */
export function scanModel(bytes: Uint8Array, file: string): void {
  if (bytes.length > limits.fileBytes) {
    throw new CipherloomError(
      'RESOURCE_LIMIT',
      `${printable(file)} has ${bytes.length} bytes, the limit is ${limits.fileBytes}`,
      {
        phase: 'frontend',
        details: { bytes: bytes.length, limit: limits.fileBytes },
      },
    );
  }
  let fieldCount = 0;
  scanMessage({ message: 'Model', parent: null, label: '', name: null }, 0, bytes.length, 1);

  function scanMessage(frame: Frame, start: number, end: number, depth: number): void {
    const counts = new Map<string, number>();
    let at = start;
    while (at < end) {
      if (++fieldCount > limits.fields) {
        throw new CipherloomError(
          'RESOURCE_LIMIT',
          `${printable(file)} has more than ${limits.fields} fields`,
          {
            phase: 'frontend',
            details: { limit: limits.fields },
            hint: 'store tensors in raw_data',
          },
        );
      }
      const tagAt = at;
      const tag = readVarint(frame, at, end, 5);
      at += tag.bytes;
      const number = Number(tag.value >> 3n);
      const wireType = Number(tag.value & 7n);
      if (number === 0 || tag.value > 0xffffffffn)
        fail(frame, tagAt, 'a field has no valid number');
      const field = fieldOf(frame.message, number);
      if (field !== undefined) checkWireType(frame, field, wireType, tagAt);
      if (wireType === 0) {
        const length = skipVarint(frame, at, end);
        if (field?.kind.endsWith('int32') === true) checkInt32(frame, at, length);
        at += length;
      } else if (wireType === 1 || wireType === 5) {
        const size = wireType === 1 ? 8 : 4;
        if (end - at < size) failTruncated(frame, field, at, size, end - at);
        at += size;
      } else if (wireType === 2) {
        at = scanDelimited(frame, field, at, end, depth, counts);
      } else {
        fail(frame, tagAt, `wire type ${wireType} does not occur in ONNX files`);
      }
    }
  }

  /** A field with a length; returns the position behind it. */
  function scanDelimited(
    frame: Frame,
    field: Field | undefined,
    lengthAt: number,
    end: number,
    depth: number,
    counts: Map<string, number>,
  ): number {
    const { value, bytes: lengthBytes } = readVarint(frame, lengthAt, end, 10);
    const start = lengthAt + lengthBytes;
    const left = end - start;
    const fits = value <= BigInt(left);
    // A length that needs more than 5 bytes and fits is padded with zeros: the decoder reads it wrongly.
    if (fits && lengthBytes > 5)
      fail(frame, lengthAt, 'a length is written with more than 5 bytes');
    const stop = fits ? start + Number(value) : end;
    if (field !== undefined && isMessage(field.kind)) {
      if (depth >= limits.nesting) fail(frame, lengthAt, `nesting > ${limits.nesting}`);
      const index = counts.get(field.name) ?? 0;
      counts.set(field.name, index + 1);
      const child = {
        message: field.kind,
        parent: frame,
        label: `${field.name}[${index}]`,
        name: null,
      };
      // A message that is cut off is walked to its end, so that the innermost cut is named.
      scanMessage(child, start, stop, depth + 1);
    } else if (fits && field?.name === 'name') {
      frame.name = new TextDecoder().decode(bytes.subarray(start, Math.min(stop, start + 1024)));
    } else if (fits && field !== undefined) {
      scanPacked(frame, field, start, stop);
    }
    if (!fits) failTruncated(frame, field, lengthAt, value, left);
    return stop;
  }

  function scanPacked(frame: Frame, field: Field, start: number, stop: number): void {
    const size = packedSize(field.kind);
    if (size === null) return;
    if (size > 0) {
      if ((stop - start) % size !== 0) {
        fail(
          frame,
          start,
          `${field.name} has ${stop - start} bytes, which are no multiple of ${size}`,
        );
      }
      return;
    }
    if (stop - start > limits.packedIntegers) {
      throw new CipherloomError(
        'RESOURCE_LIMIT',
        `${pathOf(frame)}.${field.name} has ${stop - start} bytes of packed integers, the limit is ${limits.packedIntegers}`,
        {
          phase: 'frontend',
          details: { bytes: stop - start, limit: limits.packedIntegers },
          hint: 'store tensors in raw_data',
        },
      );
    }
    for (let at = start; at < stop;) {
      const length = skipVarint(frame, at, stop);
      if (field.kind === 'packed int32') checkInt32(frame, at, length);
      at += length;
    }
  }

  /** Bytes of a varint of at most ten. */
  function skipVarint(frame: Frame, at: number, end: number): number {
    for (let n = 0; n < 10; n++) {
      const byte = at + n < end ? bytes[at + n] : undefined;
      if (byte === undefined) return fail(frame, at, 'a number is cut off');
      if (byte < 0x80) return n + 1;
    }
    return fail(frame, at, 'a number has more than 10 bytes');
  }

  function readVarint(frame: Frame, at: number, end: number, longest: number): Varint {
    let value = 0n;
    for (let n = 0; n < longest; n++) {
      const byte = at + n < end ? bytes[at + n] : undefined;
      if (byte === undefined) return fail(frame, at, 'a number is cut off');
      value |= BigInt(byte & 0x7f) << BigInt(7 * n);
      if (byte < 0x80) return { value, bytes: n + 1 };
    }
    return fail(frame, at, `a number has more than ${longest} bytes`);
  }

  function checkInt32(frame: Frame, at: number, length: number): void {
    // Negative numbers have ten bytes; the decoder skips five whenever there are more than five.
    if (length > 5 && length !== 10)
      fail(frame, at, `a 32-bit number is written with ${length} bytes`);
  }

  function checkWireType(frame: Frame, field: Field, wireType: number, at: number): void {
    const allowed = wireTypes(field.kind);
    if (!allowed.includes(wireType)) {
      fail(frame, at, `${field.name} has wire type ${wireType} instead of ${allowed.join(' or ')}`);
    }
  }

  function failTruncated(
    frame: Frame,
    field: Field | undefined,
    at: number,
    expected: bigint | number,
    actual: number,
  ): never {
    return fail(
      frame,
      at,
      `${field?.name ?? 'a field'} needs ${expected} bytes, only ${actual} are left`,
      {
        expected: String(expected),
        actual,
      },
    );
  }

  function fail(
    frame: Frame,
    at: number,
    reason: string,
    details: Record<string, unknown> = {},
  ): never {
    const path = pathOf(frame);
    const what = path === '' ? 'not an ONNX model' : 'damaged ONNX model';
    throw new CipherloomError(
      'MODEL_INVALID',
      `${what}: ${printable(file)}, byte ${at}${path && `, ${path}`}: ${reason}`,
      {
        phase: 'frontend',
        node: tensorOf(frame),
        details: { file: printable(file), offset: at, path, ...details },
        hint: 'export or copy the file again',
      },
    );
  }
}

/** Path of a message from the model down, with the names that were read. */
function pathOf(frame: Frame): string {
  if (frame.parent === null) return '';
  const above = pathOf(frame.parent);
  const own = frame.name === null ? frame.label : `${frame.label} ${quoted(frame.name)}`;
  return above === '' ? own : `${above}.${own}`;
}

function tensorOf(frame: Frame): string | undefined {
  return frame.message === 'Tensor' && frame.name !== null ? printable(frame.name) : undefined;
}

/** Bytes of an element, 0 for varints, null for fields that are not packed. */
function packedSize(kind: FieldKind): number | null {
  switch (kind) {
    case 'packed fixed32':
      return 4;
    case 'packed fixed64':
      return 8;
    case 'packed int32':
    case 'packed int64':
      return 0;
    default:
      return null;
  }
}

function wireTypes(kind: FieldKind): readonly number[] {
  switch (kind) {
    case 'int32':
    case 'int64':
      return [0];
    case 'fixed32':
      return [5];
    case 'packed fixed32':
      return [2, 5];
    case 'packed fixed64':
      return [2, 1];
    case 'packed int32':
    case 'packed int64':
      return [2, 0];
    default:
      return [2];
  }
}
