import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createImageDecoder } from '../../../src/frontend/images/decode-image.ts';
import { readImageHeader } from '../../../src/frontend/images/image-header.ts';
import { loadDecoders } from '../../../src/frontend/images/load-decoders.ts';
import { squareImage } from '../../../src/frontend/images/square-image.ts';
import { dataPath } from '../../support/data.ts';
import { jpegFile, pixelImage, pngFile } from '../../support/image-files.ts';

const image = pixelImage(24, 16, (x, y) => [x * 10, y * 15, 100]);
const jpeg = await jpegFile(image);
const png = pngFile(image);
const decode = await createImageDecoder(await loadDecoders());

describe('readImageHeader', () => {
  test('reads format and dimensions', () => {
    expect(readImageHeader(jpeg)).toEqual({ format: 'jpeg', width: 24, height: 16 });
    expect(readImageHeader(png)).toEqual({ format: 'png', width: 24, height: 16 });
  });

  test('any bytes give a header or an Error, and end', () => {
    const starts = [jpeg.subarray(0, 2), png.subarray(0, 8), new Uint8Array()];
    fc.assert(
      fc.property(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 64 }), (start, rest) => {
        try {
          const { width, height } = readImageHeader(Uint8Array.of(...start, ...rest));
          expect(Number.isInteger(width) && Number.isInteger(height)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
          expect(error).not.toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});

describe('the decoder', () => {
  test('gives the pixels of a PNG as they are', async () => {
    expect([...(await decode(png)).data]).toEqual([...image.data]);
  });

  test('gives the pixels of a JPEG within its loss', async () => {
    const { width, height, data } = await decode(jpeg);
    expect([width, height]).toEqual([24, 16]);
    const worst = Math.max(...data.map((value, i) => Math.abs(value - image.data[i]!)));
    expect(worst).toBeLessThan(25);
  });

  test.each([
    ['nothing', new Uint8Array(), 'empty'],
    ['text', new TextEncoder().encode('file,label\n'), 'neither JPEG nor PNG'],
    ['a JPEG cut in its header', jpeg.slice(0, 100), 'without a frame header'],
    ['a JPEG cut in its pixels', jpeg.slice(0, -20), 'remature end'],
    ['a PNG cut in its pixels', png.slice(0, png.length - 40), 'damaged PNG'],
    ['a PNG of 10^10 pixels', pngFile(image, [100_000, 100_000]), 'at most 67108864'],
    ['a PNG with more rows than it has', pngFile(image, [24, 1000]), 'damaged PNG'],
    ['a PNG of no pixels', pngFile(image, [0, 16]), '0 × 16'],
  ])('refuses %s', async (_, bytes, message) => {
    await expect(decode(bytes)).rejects.toThrow(message);
  });

  test('goes on after files that broke it', async () => {
    for (const bytes of [jpeg.slice(0, jpeg.length - 60), png.slice(0, png.length - 40)]) {
      await expect(decode(bytes)).rejects.toThrow();
    }
    expect((await decode(jpeg)).width).toBe(24);
    expect([...(await decode(png)).data]).toEqual([...image.data]);
  });
});

describe.runIf(dataPath('skin') !== null)('photographs', () => {
  // Red, green and blue of the whole image, from libjpeg by way of another decoder.
  test.each([
    ['ham10000-256/ISIC_0024306.jpg', 256, [211, 111.5, 113]],
    ['isic2018t1-512/ISIC_0000000.jpg', 512, [118.9, 128.6, 146.7]],
  ])('%s has the size and the mean colour that it has elsewhere', async (file, side, means) => {
    const photograph = await decode(new Uint8Array(readFileSync(dataPath('skin', file)!)));
    expect([photograph.width, photograph.height]).toEqual([side, side]);
    for (const [channel, value] of squareImage(photograph, 1, 'area').entries()) {
      expect(Math.abs(value - means[channel]!)).toBeLessThanOrEqual(1);
    }
  });
});
