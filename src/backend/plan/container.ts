/**
 * The file around a plan: magic, version, lengths, digests. Its layout stands in plan.proto.
 *
 * Every byte is covered by a digest or must be zero, so that a flipped one is found and the part it
 * is in is named.
 */
import { createHash } from 'node:crypto';
import { CipherloomError, invariant } from '../../errors.ts';
import { ckksOps } from '../../ir/ckks/index.ts';
import { planFormat } from './plan.ts';

const magic = Buffer.from('CLOOMPLN', 'latin1');
const headBytes = 256;
const alignment = 64;
const byteOrderMark = 0x01020304;
const producerBytes = 80;
/** Largest program section: macro operations keep real ones under a few hundred kilobytes. */
const maxProgramBytes = 2 ** 24;

const at = {
  format: 8,
  headBytes: 12,
  fileBytes: 16,
  programBytes: 24,
  blobOffset: 32,
  byteOrder: 40,
  reserved: 44,
  producer: 48,
  programDigest: 128,
  blobDigest: 160,
  operatorDigest: 192,
  headDigest: 224,
} as const;

export interface Container {
  readonly program: Uint8Array;
  /** Everything behind the program section: padding and blobs; offsets count from here. */
  readonly blobs: Uint8Array;
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** SHA-256 of the operators this build knows. */
function operatorDigest(): Buffer {
  const lines = ckksOps
    .map(
      ({ code, name, operands, variadic }) =>
        `${code} ${name} ${operands.map((operand) => operand.name).join(',')}${variadic === true ? '…' : ''}`,
    )
    .sort();
  return sha256(Buffer.from(lines.join('\n')));
}

/** SHA-256 of a plan file: the identity of the plan, hex. */
export function planHash(bytes: Uint8Array): string {
  return sha256(bytes).toString('hex');
}

/** The next multiple of 64. */
export function aligned(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}

/** Put a file together. */
export function writeContainer(
  producer: string,
  program: Uint8Array,
  blobs: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  invariant(program.length <= maxProgramBytes, 'the program section is small');
  const blobOffset = aligned(headBytes + program.length);
  const fileBytes = blobs.reduce((sum, blob) => sum + aligned(blob.length), blobOffset);
  const file = new Uint8Array(fileBytes);
  const view = new DataView(file.buffer);
  file.set(program, headBytes);
  let offset = blobOffset;
  for (const blob of blobs) {
    file.set(blob, offset);
    offset += aligned(blob.length);
  }
  file.set(magic);
  view.setUint32(at.format, planFormat, true);
  view.setUint32(at.headBytes, headBytes, true);
  view.setBigUint64(at.fileBytes, BigInt(fileBytes), true);
  view.setBigUint64(at.programBytes, BigInt(program.length), true);
  view.setBigUint64(at.blobOffset, BigInt(blobOffset), true);
  view.setUint32(at.byteOrder, byteOrderMark, true);
  const producerText = Buffer.from(producer, 'utf8');
  invariant(producerText.length < producerBytes, 'the name of the producer is short');
  file.set(producerText, at.producer);
  file.set(sha256(program), at.programDigest);
  file.set(sha256(file.subarray(headBytes + program.length)), at.blobDigest);
  file.set(operatorDigest(), at.operatorDigest);
  file.set(sha256(file.subarray(0, at.headDigest)), at.headDigest);
  return file;
}

/**
 * Take a file apart.
 *
 * `reader` names this build in messages. Nothing is copied. Throws PLAN_INVALID naming the part of
 * the file, what was got and what was expected.
 */
export function readContainer(file: Uint8Array, reader: string): Container {
  const refuse = (
    what: string,
    reason: string,
    details: Record<string, unknown> = {},
    hint = 'transfer the file again, or compile the model again',
  ): never => {
    throw new CipherloomError('PLAN_INVALID', `plan: ${what} ${reason}`, {
      phase: 'plan',
      node: what,
      details,
      hint,
    });
  };
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (bytes.length < magic.length || !bytes.subarray(0, magic.length).equals(magic)) {
    refuse(
      'magic',
      'is missing: this is not a model.loom',
      {},
      'give the folder that compile wrote',
    );
  }
  if (bytes.length < headBytes) {
    refuse('head', `ends early: the file has ${bytes.length} bytes, a plan at least ${headBytes}`, {
      got: bytes.length,
      expected: headBytes,
    });
  }
  // The first fields and the producer stay where they are in every format.
  const end = bytes.indexOf(0, at.producer);
  const producer = bytes
    .subarray(at.producer, Math.min(end < 0 ? Infinity : end, at.producer + producerBytes))
    .toString('utf8')
    .replace(/[^\x20-\x7e]/g, '?');
  const recompile = `compiled by ${producer}, this is ${reader}; compile the model again with this release`;
  const format = bytes.readUInt32LE(at.format);
  if (format !== planFormat) {
    refuse(
      'format version',
      `is ${format}, this build reads ${planFormat}`,
      { got: format, expected: planFormat, producer },
      recompile,
    );
  }
  if (!sha256(bytes.subarray(0, at.headDigest)).equals(bytes.subarray(at.headDigest, headBytes))) {
    refuse('head', 'does not match its checksum: the file is damaged');
  }
  if (bytes.readUInt32LE(at.byteOrder) !== byteOrderMark || !isLittleEndian()) {
    refuse(
      'byte order',
      'is not little-endian, in the file or on this machine',
      { producer },
      recompile,
    );
  }
  if (!operatorDigest().equals(bytes.subarray(at.operatorDigest, at.headDigest))) {
    refuse('operator table', 'is that of another build', { producer, reader }, recompile);
  }
  const number = (offset: number): number => {
    const value = bytes.readBigUInt64LE(offset);
    return value > BigInt(Number.MAX_SAFE_INTEGER) ? Infinity : Number(value);
  };
  const programBytes = number(at.programBytes);
  if (programBytes > maxProgramBytes) {
    refuse('program section', `states ${programBytes} bytes, at most ${maxProgramBytes} are read`);
  }
  const blobOffset = aligned(headBytes + programBytes);
  const fields = [
    ['head length', bytes.readUInt32LE(at.headBytes), headBytes],
    ['file length', number(at.fileBytes), bytes.length],
    ['blob offset', number(at.blobOffset), blobOffset],
    ['reserved field', bytes.readUInt32LE(at.reserved), 0],
  ] as const;
  for (const [what, got, expected] of fields) {
    if (got !== expected) refuse(what, `is ${got}, expected ${expected}`, { got, expected });
  }
  if (blobOffset > bytes.length) {
    refuse('program section', `ends behind the file: ${blobOffset} of ${bytes.length} bytes`);
  }
  const programEnd = headBytes + programBytes;
  const program = bytes.subarray(headBytes, programEnd);
  if (!sha256(program).equals(bytes.subarray(at.programDigest, at.blobDigest))) {
    refuse('program section', 'does not match its checksum: the file is damaged');
  }
  const rest = bytes.subarray(programEnd);
  if (!sha256(rest).equals(bytes.subarray(at.blobDigest, at.operatorDigest))) {
    refuse('weights', 'do not match their checksum: the file is damaged');
  }
  return { program, blobs: bytes.subarray(blobOffset) };
}

function isLittleEndian(): boolean {
  return new Uint8Array(Uint32Array.of(byteOrderMark).buffer)[0] === (byteOrderMark & 0xff);
}
