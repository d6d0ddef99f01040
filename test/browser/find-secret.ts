/** Traces of secret bytes in what was sent: as they are, in hex, in base64. */

/** Long enough to occur by chance nowhere, short enough that a cut copy has one whole. */
const windowBytes = 24;
const every = 512;

/** Where a window of the secret occurs in the trace; empty where it does not. */
export function findSecret(trace: Buffer, secret: Buffer): string[] {
  const text = trace.toString('latin1').toLowerCase();
  const found: string[] = [];
  for (let at = 0; at + windowBytes <= secret.length; at += every) {
    const window = secret.subarray(at, at + windowBytes);
    if (isFlat(window)) continue;
    if (trace.includes(window)) found.push(`raw at ${at}`);
    if (text.includes(window.toString('hex'))) found.push(`hex at ${at}`);
    // In base64 a byte begins at one of three places of a group; the groups inside the window are sure.
    for (let phase = 0; phase < 3; phase++) {
      const whole = window.subarray(phase, phase + 3 * Math.floor((windowBytes - phase) / 3));
      for (const encoding of ['base64', 'base64url'] as const) {
        if (trace.includes(whole.toString(encoding))) found.push(`${encoding} at ${at}`);
      }
    }
  }
  return found;
}

/** Zeros and other fillings occur everywhere. */
function isFlat(window: Buffer): boolean {
  return new Set(window).size < 8;
}
