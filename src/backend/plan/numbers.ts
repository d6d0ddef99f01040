/** Constants as bytes: float32 where that is exact, float64, or variable-length integers. */
import { CipherloomError, invariant } from '../../errors.ts';

export type Encoding = 'FLOAT32' | 'FLOAT64' | 'VARINT';

export interface EncodedNumbers {
  readonly encoding: Encoding;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The zigzag code 2|v| − (v < 0) stays below 2^53. */
const largestInteger = 2 ** 51;

/** The shortest exact encoding; of equal lengths the first of float32, float64, varint. */
export function encodeNumbers(data: Float64Array): EncodedNumbers {
  let single = true;
  let integer = true;
  let varintBytes = 0;
  for (const value of data) {
    invariant(Number.isFinite(value), 'constants of a plan are finite');
    if (Math.fround(value) !== value) single = false;
    if (
      integer &&
      Number.isInteger(value) &&
      Math.abs(value) < largestInteger &&
      !isMinusZero(value)
    ) {
      for (let rest = zigzag(value); ; rest = Math.floor(rest / 128)) {
        varintBytes++;
        if (rest < 128) break;
      }
    } else {
      integer = false;
    }
  }
  const floatBytes = data.length * (single ? 4 : 8);
  if (integer && varintBytes < floatBytes) {
    const bytes = new Uint8Array(varintBytes);
    let at = 0;
    for (const value of data) {
      let rest = zigzag(value);
      for (; rest >= 128; rest = Math.floor(rest / 128)) bytes[at++] = (rest % 128) | 128;
      bytes[at++] = rest;
    }
    return { encoding: 'VARINT', bytes };
  }
  const bytes = new Uint8Array(floatBytes);
  const view = new DataView(bytes.buffer);
  for (let k = 0; k < data.length; k++) {
    if (single) view.setFloat32(4 * k, data[k]!, true);
    else view.setFloat64(8 * k, data[k]!, true);
  }
  return { encoding: single ? 'FLOAT32' : 'FLOAT64', bytes };
}

/**
 * Read numbers back. Throws PLAN_INVALID where the bytes do not hold exactly `count` of them.
 *
 * Allocates at most eight bytes for each given one.
 */
export function decodeNumbers(
  { encoding, bytes }: { readonly encoding: Encoding; readonly bytes: Uint8Array },
  count: number,
  what: string,
): Float64Array<ArrayBuffer> {
  const fail = (reason: string): never => {
    throw new CipherloomError('PLAN_INVALID', `${what}: ${reason}`, {
      phase: 'plan',
      node: what,
      details: { encoding, bytes: bytes.length, count },
      hint: 'compile the model again',
    });
  };
  const width = encoding === 'FLOAT32' ? 4 : encoding === 'FLOAT64' ? 8 : 0;
  if (width > 0 ? bytes.length !== width * count : bytes.length < count) {
    fail(`${bytes.length} bytes do not hold ${count} numbers`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data = new Float64Array(count);
  if (width > 0) {
    for (let k = 0; k < count; k++) {
      const value = width === 4 ? view.getFloat32(4 * k, true) : view.getFloat64(8 * k, true);
      if (!Number.isFinite(value)) fail(`number ${k} is not finite`);
      data[k] = value;
    }
    return data;
  }
  let at = 0;
  for (let k = 0; k < count; k++) {
    let code = 0;
    let weight = 1;
    for (let digits = 0; ; digits++) {
      const byte = bytes[at++];
      if (byte === undefined || digits > 7) return fail(`number ${k} does not end`);
      code += (byte & 127) * weight;
      weight *= 128;
      if (byte < 128) break;
    }
    if (code > Number.MAX_SAFE_INTEGER) fail(`number ${k} is too large`);
    data[k] = code % 2 === 0 ? code / 2 : -(code + 1) / 2;
  }
  if (at !== bytes.length) fail(`${bytes.length - at} bytes are left behind the last number`);
  return data;
}

function zigzag(value: number): number {
  return value >= 0 ? 2 * value : -2 * value - 1;
}

function isMinusZero(value: number): boolean {
  return Object.is(value, -0);
}
