/** Traces of secret bytes in what was sent: as they are, in hex, in base64. */

/** Long enough to occur by chance nowhere, short enough that a cut copy has one whole. */
const windowBytes = 24;
const every = 512;

/**
 * Where pieces of the secret occur in the trace; empty where none does.
 *
 * Cost: one pass over the trace, whatever the number of pieces.
 */
export function findSecret(trace: Buffer, secret: Buffer): string[] {
  const pieces = piecesOf(secret);
  const byStart = Map.groupBy(pieces, ({ bytes }) => bytes.readUInt32LE(0));
  const starts = new Uint8Array(2 ** 16);
  for (const { bytes } of pieces) starts[bytes.readUInt16LE(0)] = 1;
  const found: string[] = [];
  for (let at = 0; at + 4 <= trace.length; at++) {
    if (starts[trace[at]! | (trace[at + 1]! << 8)] === 0) continue;
    for (const { bytes, name } of byStart.get(trace.readUInt32LE(at)) ?? []) {
      if (bytes.equals(trace.subarray(at, at + bytes.length))) found.push(`${name} at ${at}`);
    }
  }
  return found;
}

interface Piece {
  readonly name: string;
  readonly bytes: Buffer;
}

function piecesOf(secret: Buffer): Piece[] {
  const pieces: Piece[] = [];
  for (let at = 0; at + windowBytes <= secret.length; at += every) {
    const window = secret.subarray(at, at + windowBytes);
    // Zeros and other fillings occur everywhere.
    if (new Set(window).size < 8) continue;
    const hex = window.toString('hex');
    pieces.push({ name: `bytes ${at}`, bytes: window });
    pieces.push({ name: `bytes ${at} in hex`, bytes: Buffer.from(hex) });
    pieces.push({ name: `bytes ${at} in hex`, bytes: Buffer.from(hex.toUpperCase()) });
    // In base64 a byte begins at one of three places of a group; groups inside the window are sure.
    for (let phase = 0; phase < 3; phase++) {
      const whole = window.subarray(phase, phase + 3 * Math.floor((windowBytes - phase) / 3));
      for (const encoding of ['base64', 'base64url'] as const) {
        const bytes = Buffer.from(whole.toString(encoding));
        pieces.push({ name: `bytes ${at} in ${encoding}`, bytes });
      }
    }
  }
  return pieces;
}
