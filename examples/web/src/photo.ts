/**
 * A photo as the network was trained to see it: decoded, cropped and resized by the code of
 * `npm run melanoma:prepare`, so that page and training data agree to the byte.
 */
import jpegUrl from '../../../node_modules/@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm?url';
import pngUrl from '../../../node_modules/@jsquash/png/codec/pkg/squoosh_png_bg.wasm?url';
import {
  createImageDecoder,
  type ImageDecoder,
} from '../../../src/frontend/images/decode-image.ts';
import { squareImage, type ResizeKernel } from '../../../src/frontend/images/square-image.ts';

/** As large as `melanoma:prepare` reads. */
const maxFileBytes = 1 << 27;

let decoder: Promise<ImageDecoder> | null = null;

/** Planes of bytes, 3 × size × size. Throws an Error that says what is wrong with the file. */
export async function readPhoto(
  file: Blob,
  size: number,
  kernel: ResizeKernel,
): Promise<Uint8Array<ArrayBuffer>> {
  if (file.size > maxFileBytes) throw new Error(`the file has more than ${maxFileBytes >> 20} MiB`);
  decoder ??= loadDecoder();
  const decode = await decoder;
  return squareImage(await decode(new Uint8Array(await file.arrayBuffer())), size, kernel);
}

async function loadDecoder(): Promise<ImageDecoder> {
  const [jpeg, png] = await Promise.all(
    [jpegUrl, pngUrl].map(async (url) => new Uint8Array(await (await fetch(url)).arrayBuffer())),
  );
  return createImageDecoder({ jpeg: jpeg!, png: png! });
}
