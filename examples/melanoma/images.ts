/** Images from files to what the network reads: the arithmetic of `melanoma:prepare`, one image at a time. */
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { createImageDecoder, type ImageDecoder } from '../../src/frontend/images/decode-image.ts';
import { loadDecoders } from '../../src/frontend/images/load-decoders.ts';
import { squareImage } from '../../src/frontend/images/square-image.ts';
import type { Preprocessing } from './preprocessing.ts';

let decoder: Promise<ImageDecoder> | undefined;

/** Pixels [3, S, S] in 0…1 of a JPEG or PNG file. */
export async function readPixels(
  file: string | URL,
  { size, kernel }: Preprocessing,
): Promise<Float32Array<ArrayBuffer>> {
  decoder ??= loadDecoders().then(createImageDecoder);
  const decode = await decoder;
  const planes = squareImage(await decode(new Uint8Array(await readFile(file))), size, kernel);
  return Float32Array.from(planes, (byte) => byte / 255);
}

/** The committed sample images. */
export function sampleFiles(): string[] {
  const folder = new URL('samples/', import.meta.url);
  const names = readdirSync(folder).filter((name) => name.endsWith('.jpg'));
  return names.sort().map((name) => fileURLToPath(new URL(name, folder)));
}
