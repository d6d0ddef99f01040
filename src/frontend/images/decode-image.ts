/**
 * JPEG and PNG to pixels, by WebAssembly decoders that are the same in Node and in a browser
 * (mozjpeg, and the png crate), so that an image gives the same bytes in both.
 *
 * Orientation tags and colour profiles are ignored.
 */
import { CipherloomError } from '../../errors.ts';
import { readImageHeader } from './image-header.ts';
import type { PixelImage } from './square-image.ts';

/** A photograph of 64 megapixels decodes to 256 MiB; what claims more is refused unread. */
export const maxPixels = 1 << 26;

/** A panic of the PNG decoder leaks its memory, which only grows: stop loudly before it is full. */
const maxDecoderBytes = 2 ** 31;

/** The decoders' `.wasm` files, from wherever the platform keeps them. */
export interface DecoderBinaries {
  readonly jpeg: Uint8Array<ArrayBuffer>;
  readonly png: Uint8Array<ArrayBuffer>;
}

export type ImageDecoder = (bytes: Uint8Array<ArrayBuffer>) => Promise<PixelImage>;

type DecodeBuffer = (buffer: ArrayBuffer) => Promise<PixelImage>;

/** Both packages describe their types with those of a browser, which Node's compilation lacks. */
interface JpegPackage {
  readonly default: DecodeBuffer;
  readonly init: (options: {
    readonly wasmBinary: Uint8Array;
    readonly print: () => void;
    readonly printErr: (line: string) => void;
  }) => Promise<void>;
}
interface PngPackage {
  readonly default: DecodeBuffer;
  readonly init: (
    binary: Uint8Array,
  ) => Promise<{ readonly memory: { readonly buffer: ArrayBuffer } }>;
}

/** Node has no ImageData, which both decoders construct. */
class Pixels implements PixelImage {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;

  constructor(data: Uint8ClampedArray, width: number, height: number) {
    this.data = data;
    this.width = width;
    this.height = height;
  }
}

/** Make a decoder; it throws an Error that says what is wrong with an image it cannot read. */
export async function createImageDecoder(binaries: DecoderBinaries): Promise<ImageDecoder> {
  const platform = globalThis as { ImageData?: unknown };
  platform.ImageData ??= Pixels;
  const jpeg = (await import('@jsquash/jpeg/decode.js')) as unknown as JpegPackage;
  const png = (await import('@jsquash/png/decode.js')) as unknown as PngPackage;
  const { memory } = await png.init(binaries.png);

  /** What the JPEG decoder said of the current image. */
  let complaints: string[] = [];
  const freshJpeg = () =>
    jpeg.init({
      wasmBinary: binaries.jpeg,
      print: () => undefined,
      printErr: (line) => complaints.push(line),
    });
  await freshJpeg();

  const decodeJpeg: DecodeBuffer = async (buffer) => {
    complaints = [];
    let image: PixelImage;
    try {
      image = await jpeg.default(buffer);
    } catch {
      await freshJpeg();
      throw new Error(complaints.at(-1) ?? 'the JPEG decoder failed');
    }
    // The decoder fills what is missing with grey and calls that a warning.
    const cut = complaints.find((line) => /premature end/i.test(line));
    if (cut !== undefined) throw new Error(cut);
    return image;
  };

  const decodePng: DecodeBuffer = async (buffer) => {
    try {
      return await png.default(buffer);
    } catch {
      const memoryBytes = memory.buffer.byteLength;
      if (memoryBytes > maxDecoderBytes) {
        throw new CipherloomError('RESOURCE_LIMIT', 'too many damaged PNG files for one process', {
          details: { memoryBytes, limit: maxDecoderBytes },
          hint: 'remove the damaged files named so far, or prepare fewer images at a time',
        });
      }
      throw new Error('a damaged PNG');
    }
  };

  return async (bytes) => {
    const { format, width, height } = readImageHeader(bytes);
    if (width === 0 || height === 0) throw new Error(`${width} × ${height} pixels`);
    if (width * height > maxPixels) {
      throw new Error(`${width} × ${height} pixels; at most ${maxPixels} are read`);
    }
    const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    const image = await (format === 'jpeg' ? decodeJpeg(buffer) : decodePng(buffer));
    if (image.width !== width || image.height !== height) {
      throw new Error(`decodes to ${image.width} × ${image.height}, not ${width} × ${height}`);
    }
    return image;
  };
}
