/** Small image files of any pixels, made in the test. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { crc32, deflateSync } from 'node:zlib';
import type { PixelImage } from '../../src/frontend/images/square-image.ts';

export function pixelImage(
  width: number,
  height: number,
  color: (x: number, y: number) => readonly [number, number, number],
): PixelImage {
  const data = new Uint8Array(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    data.set([...color(i % width, Math.floor(i / width)), 255], i * 4);
  }
  return { width, height, data };
}

/** An RGB PNG, 8 bits, unfiltered; `claimed` puts other dimensions into its header. */
export function pngFile(
  { width, height, data }: PixelImage,
  claimed: readonly [number, number] = [width, height],
): Uint8Array<ArrayBuffer> {
  const raw = new Uint8Array(height * (1 + width * 3));
  for (let i = 0; i < width * height; i++) {
    const at = Math.floor(i / width) * (1 + width * 3) + 1 + (i % width) * 3;
    raw.set(data.subarray(i * 4, i * 4 + 3), at);
  }
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, claimed[0]);
  header.setUint32(4, claimed[1]);
  header.setUint16(8, 0x0802);
  return new Uint8Array(
    Buffer.concat([
      Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
      chunk('IHDR', new Uint8Array(header.buffer)),
      chunk('IDAT', deflateSync(raw)),
      chunk('IEND', new Uint8Array()),
    ]),
  );
}

function chunk(type: string, body: Uint8Array): Buffer {
  const typed = Buffer.concat([Buffer.from(type), body]);
  const bytes = Buffer.alloc(typed.length + 8);
  bytes.writeUInt32BE(body.length);
  typed.copy(bytes, 4);
  bytes.writeUInt32BE(crc32(typed), typed.length + 4);
  return bytes;
}

interface Encoder {
  readonly default: (image: PixelImage, options: { quality: number }) => Promise<ArrayBuffer>;
  readonly init: (options: { wasmBinary: Uint8Array; print: () => void }) => Promise<void>;
}

export async function jpegFile(image: PixelImage): Promise<Uint8Array<ArrayBuffer>> {
  const { default: encode, init } = (await import('@jsquash/jpeg/encode.js')) as unknown as Encoder;
  const binary = fileURLToPath(import.meta.resolve('@jsquash/jpeg/codec/enc/mozjpeg_enc.wasm'));
  await init({ wasmBinary: readFileSync(binary), print: () => undefined });
  return new Uint8Array(await encode(image, { quality: 95 }));
}
