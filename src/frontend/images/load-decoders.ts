/** The decoders' WebAssembly from the installed packages; Node only. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { DecoderBinaries } from './decode-image.ts';

export async function loadDecoders(): Promise<DecoderBinaries> {
  const [jpeg, png] = await Promise.all([
    installed('@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm'),
    installed('@jsquash/png/codec/pkg/squoosh_png_bg.wasm'),
  ]);
  return { jpeg, png };
}

async function installed(specifier: string): Promise<Uint8Array<ArrayBuffer>> {
  const file = fileURLToPath(import.meta.resolve(specifier));
  return new Uint8Array(await readFile(file));
}
