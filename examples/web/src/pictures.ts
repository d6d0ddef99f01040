/** Pictures of numbers and of ciphertexts. */

/** Draw planes of values in 0…1, one or three, row by row. */
export function drawPlanes(
  canvas: HTMLCanvasElement,
  planes: ArrayLike<number>,
  size: number,
  [low, high]: readonly [number, number] = [0, 1],
): void {
  const area = size * size;
  const coloured = planes.length === 3 * area;
  drawPixels(canvas, size, (i, channel) => {
    const value = planes[(coloured ? channel * area : 0) + i] ?? 0;
    return (255 * (value - low)) / (high - low);
  });
}

/** Bytes of a coefficient in a ciphertext file; the highest ones are zero, for primes are smaller. */
const wordBytes = 8;

/**
 * Coefficients as grey pixels, by their lowest byte: noise, which is all that there is to see.
 *
 * Returns how many were drawn
 */
export function drawCoefficients(canvas: HTMLCanvasElement, file: Uint8Array): number {
  const size = Math.min(128, Math.floor(Math.sqrt((0.9 * file.length) / wordBytes)));
  // From the middle: the head of the file holds its lengths and the hash of the plan.
  const length = size * size * wordBytes;
  const from = Math.max(0, Math.floor((file.length - length) / 2));
  const bytes = file.subarray(from, from + length);
  const low = lowestByte(bytes);
  drawPixels(canvas, size, (i) => bytes[wordBytes * i + low] ?? 0);
  return size * size;
}

/** Where in each 8 bytes a coefficient begins: after the zeros that end the one before. */
function lowestByte(bytes: Uint8Array): number {
  const zero = Array.from({ length: wordBytes }, (_, k) =>
    bytes.every((byte, i) => i % wordBytes !== k || byte === 0),
  );
  return Math.max(
    0,
    zero.findIndex((isZero, k) => !isZero && zero.at(k - 1) === true),
  );
}

export function hexLines(bytes: Uint8Array, count: number): string {
  const from = Math.floor(bytes.length / 2);
  return Array.from(bytes.subarray(from, from + count), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join(' ');
}

function drawPixels(
  canvas: HTMLCanvasElement,
  size: number,
  valueOf: (pixel: number, channel: number) => number,
): void {
  canvas.width = canvas.height = size;
  const context = canvas.getContext('2d');
  const image = context?.createImageData(size, size);
  if (context === null || image === undefined) return;
  for (let i = 0; i < size * size; i++) {
    for (let channel = 0; channel < 3; channel++) image.data[4 * i + channel] = valueOf(i, channel);
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}
