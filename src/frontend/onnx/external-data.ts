/** Tensors whose bytes stand in files beside the model (`data_location` EXTERNAL). */
import { createHash } from 'node:crypto';
import { CipherloomError } from '../../errors.ts';
import { printable, quoted } from '../printable.ts';

/** A file that a tensor of the model names. */
export interface ExternalPlace {
  /** Relative to the model's folder, with `/`; it never leaves the folder. */
  readonly location: string;
  /** Name of the tensor, for messages. */
  readonly tensor: string;
}

/**
 * Where the files of a model come from: all that a model can reach outside its own bytes.
 *
 * Both throw a CipherloomError that names tensor and location.
 */
export interface ExternalData {
  /** Bytes of a file, without opening it. */
  size(place: ExternalPlace): number;
  /** `length` bytes from `offset` on; the range is known to be inside the file. */
  read(place: ExternalPlace, offset: number, length: number): Uint8Array;
}

/** What the entries of `external_data` say. */
export interface ExternalRange extends ExternalPlace {
  readonly offset: number;
  /** Null where it is the rest of the file. */
  readonly length: number | null;
  /** SHA-1 of the whole file, hex, where the model states it. */
  readonly checksum: string | null;
}

/** An error of a tensor outside the model file. */
export function externalError(
  { location, tensor }: ExternalPlace,
  reason: string,
  details: Readonly<Record<string, unknown>> = {},
  hint = 'save the model as one file: onnx.save(model, path, save_as_external_data=False)',
): CipherloomError {
  return new CipherloomError(
    'MODEL_INVALID',
    `tensor ${quoted(tensor)} is stored at ${quoted(location)}: ${reason}`,
    {
      phase: 'frontend',
      node: printable(tensor),
      details: { location: printable(location), ...details },
      hint,
    },
  );
}

/**
 * Read the entries of `external_data`; keys of later versions are skipped.
 *
 * Throws MODEL_INVALID for keys that occur twice, numbers that are none, and locations that are not
 * plainly inside the model's folder.
 */
export function externalRange(
  tensor: string,
  entries: readonly { readonly key: string; readonly value: string }[],
): ExternalRange {
  const values = new Map<string, string>();
  const place = (): ExternalPlace => ({ tensor, location: values.get('location') ?? '' });
  for (const { key, value } of entries) {
    if (values.has(key)) throw externalError(place(), `the key ${quoted(key)} occurs twice`);
    values.set(key, value);
  }
  const number = (key: string): number | null => {
    const text = values.get(key);
    if (text === undefined) return null;
    // Fifteen digits are exact in a double, and more than any file has.
    if (!/^\d{1,15}$/.test(text))
      throw externalError(place(), `its ${key} is ${quoted(text)}, not a number of bytes`);
    return Number(text);
  };
  const checksum = values.get('checksum') ?? null;
  if (checksum !== null && !/^[0-9a-f]{40}$/i.test(checksum))
    throw externalError(place(), `its checksum ${quoted(checksum)} is no SHA-1`);
  const reason = reasonAgainst(place().location);
  if (reason !== null) throw externalError(place(), reason);
  return { ...place(), offset: number('offset') ?? 0, length: number('length'), checksum };
}

/** Why a location is refused before any file is looked at, or null. */
function reasonAgainst(location: string): string | null {
  if (location === '') return 'it names no file';
  if (location.length > 1000) return `the location has ${location.length} characters`;
  if (printable(location) !== location && /\p{Cc}/u.test(location))
    return 'the location has control characters';
  if (location.includes('\\')) return 'the location has a backslash; folders are separated by /';
  if (location.startsWith('/') || /^[A-Za-z]:/.test(location)) return 'the location is absolute';
  if (location.split('/').includes('..')) return "the location leaves the model's folder";
  return null;
}

/** The bytes of one tensor: read when asked, and only they. */
export type ReadExternal = (range: ExternalRange, bytes: number) => Uint8Array;

const checksumChunk = 2 ** 24;

/**
 * A reader over the files of a model.
 *
 * It compares the range with what the dims need and with the size of the file before it reads, and
 * a stated checksum once for each file. Throws MODEL_INVALID naming tensor and location.
 */
export function externalReader(external: ExternalData | null): ReadExternal {
  const checksums = new Map<string, string>();
  return (range, bytes) => {
    if (external === null) {
      throw externalError(
        range,
        'the model was given as bytes, without the files beside it',
        {},
        'give `external` with the bytes: openModelFolder(folder)',
      );
    }
    const fileBytes = external.size(range);
    const length = range.length ?? fileBytes - range.offset;
    if (length !== bytes) {
      throw externalError(range, `its elements need ${bytes} bytes, the model gives ${length}`, {
        expected: bytes,
        actual: length,
        offset: range.offset,
      });
    }
    if (range.offset + length > fileBytes) {
      throw externalError(
        range,
        `bytes ${range.offset} to ${range.offset + length} are asked for, the file has ${fileBytes}`,
        { offset: range.offset, length, fileBytes },
        'copy the file again: it is shorter than the model says',
      );
    }
    if (range.checksum !== null) checkSum(range, range.checksum, fileBytes, external, checksums);
    return external.read(range, range.offset, length);
  };
}

function checkSum(
  place: ExternalPlace,
  expected: string,
  fileBytes: number,
  external: ExternalData,
  known: Map<string, string>,
): void {
  let actual = known.get(place.location);
  if (actual === undefined) {
    const hash = createHash('sha1');
    for (let at = 0; at < fileBytes; at += checksumChunk)
      hash.update(external.read(place, at, Math.min(checksumChunk, fileBytes - at)));
    actual = hash.digest('hex');
    known.set(place.location, actual);
  }
  if (actual !== expected.toLowerCase()) {
    throw externalError(
      place,
      `the SHA-1 of the file is ${actual}, the model says ${printable(expected)}`,
      { expected: printable(expected), actual },
      'copy the file again: it is not the one that was saved with the model',
    );
  }
}
