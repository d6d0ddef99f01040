import { z } from 'zod';
import { CipherloomError } from '../../errors.ts';
import { createImageDecoder } from '../../frontend/images/decode-image.ts';
import { loadDecoders } from '../../frontend/images/load-decoders.ts';
import { normaliseImage, type Normalisation } from '../../frontend/images/normalise-image.ts';
import { resizeKernels, squareImage } from '../../frontend/images/square-image.ts';
import { formatNpy } from '../../frontend/npy/write-npy.ts';
import { defineCommand } from '../define-command.ts';
import { listImages, type ListedImage } from '../images/list-images.ts';
import { readImage } from '../images/read-image.ts';
import { choice, filePath, flag, integer } from '../option-schemas.ts';
import { checkOutputFile, writeOutputFile } from '../output-file.ts';
import { outputOption } from '../shared-options.ts';
import { numberText, shapeText } from '../text/figures.ts';
import { factLines } from '../text/table.ts';
import { usageError } from '../usage-error.ts';

/** Numbers of all images together: 1 GiB. */
const maxNumbers = 2 ** 28;

export default defineCommand({
  name: 'images',
  summary: 'Turn a folder of JPEG and PNG images into the array that a network reads.',
  positional: { folder: { describe: 'folder of images, or of one sub-folder for each class' } },
  options: {
    output: { ...outputOption, value: 'X.npy', describe: 'write float32 [K, C, S, S] here' },
    labelsOut: {
      value: 'Y.npy',
      schema: filePath().optional(),
      describe: 'write the classes here: sub-folders, numbered in the order of their names',
    },
    size: {
      value: 'S',
      schema: integer(1, 4096),
      describe: 'pixels of a side: the largest centred square is resized to S × S',
    },
    gray: { schema: flag(), describe: 'one channel, the luma, instead of red, green and blue' },
    resize: {
      value: 'KERNEL',
      schema: choice(resizeKernels).default('triangle'),
      describe: 'triangle (default, as bilinear in Pillow) or area',
    },
    mean: {
      value: 'M,…',
      schema: channelNumbers().optional(),
      describe: 'taken from the pixels in 0…1, one for all or for each channel; default 0',
    },
    std: {
      value: 'D,…',
      schema: channelNumbers().optional(),
      describe: 'what is left is divided by it; default 1',
    },
    each: {
      value: 'K',
      schema: integer(1).optional(),
      describe: 'use only the first K images of the folder, or of each class',
    },
    skip: {
      value: 'K',
      schema: integer(0).default(0),
      describe: 'leave out the first K images of the folder, or of each class',
    },
  },
  examples: [
    {
      command: 'cipherloom images photos/ -o calibration.npy --size 32 --each 100',
      does: 'pixels in 0…1, for compile --calibration',
    },
    {
      command: 'cipherloom images digits/ -o x.npy --labels-out y.npy --size 28 --gray',
      does: 'digits/0 to digits/9 with their classes, for run --input and --labels',
    },
    {
      command:
        'cipherloom images photos/ -o x.npy --size 224 --mean .485,.456,.406 --std .229,.224,.225',
      does: 'normalised as the networks of torchvision are trained',
    },
  ],
  async run({ folder, output, labelsOut, size, gray, resize, ...args }, io) {
    const channels = gray ? 1 : 3;
    const normalisation = normalisationOf(args, channels);
    checkOutputFile(output);
    if (labelsOut !== undefined)
      checkOutputFile(labelsOut, { flag: '--labels-out', inputs: [output] });
    const { images: all, classes } = listImages(folder);
    const images = chosen(all, args);
    const labels = images.map(({ label }) => label);
    if (images.length === 0) {
      throw usageError(`--skip ${args.skip} leaves none of ${all.length} images`, {
        option: '--skip',
        hint: 'leave out fewer',
      });
    }
    if (labelsOut !== undefined && classes.length === 0) {
      throw usageError(`--labels-out: ${folder} has no sub-folders, which would be the classes`, {
        option: '--labels-out',
        hint: 'one sub-folder for each class, or leave --labels-out out',
      });
    }
    const each = channels * size * size;
    if (images.length * each > maxNumbers) {
      throw new CipherloomError(
        'RESOURCE_LIMIT',
        `${images.length} images of ${each} numbers; at most ${maxNumbers} numbers are written`,
        {
          phase: 'cli',
          node: folder,
          details: { images: images.length, numbers: images.length * each, limit: maxNumbers },
          hint: `--each ${Math.max(1, Math.floor(maxNumbers / each / Math.max(1, classes.length)))}`,
        },
      );
    }
    io.progress.step(`${images.length} images to ${size} × ${size}`);
    const decode = await createImageDecoder(await loadDecoders());
    const data = new Float32Array(images.length * each);
    for (const [k, { path }] of images.entries()) {
      io.progress.advance(k, images.length);
      const pixels = squareImage(await readImage(path, decode), size, resize);
      data.set(normaliseImage(pixels, normalisation), k * each);
    }
    const shape = [images.length, channels, size, size];
    writeOutputFile(output, formatNpy({ shape, data }));
    if (labelsOut !== undefined) {
      const numbers = BigInt64Array.from(labels, (label) => BigInt(label ?? 0));
      writeOutputFile(labelsOut, formatNpy({ shape: [images.length], data: numbers }), {
        flag: '--labels-out',
      });
    }
    const range = rangeOf(data);
    const json = {
      output,
      labels: labelsOut ?? null,
      images: images.length,
      shape,
      range,
      classes,
      ...normalisation,
    };
    const text = factLines([
      ['images', `${images.length}, ${shapeText(shape)} in ${output}`],
      ['values', `from ${numberText(range[0])} to ${numberText(range[1])}`],
      ...(classes.length === 0
        ? []
        : [['classes', classes.map((name, k) => `${k} ${name}`).join(', ')] as const]),
    ]);
    return { json, text };
  },
});

/** `.5` or `.485,.456,.406` */
function channelNumbers() {
  return z
    .string()
    .transform((text) => text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part))))
    .refine((numbers) => numbers.every(Number.isFinite), 'numbers with commas between them');
}

function normalisationOf(
  {
    mean = [0],
    std = [1],
  }: { readonly mean?: number[] | undefined; readonly std?: number[] | undefined },
  channels: number,
): Normalisation {
  const spread = (option: string, given: readonly number[]): readonly number[] => {
    if (given.length === 1) return new Array<number>(channels).fill(given[0]!);
    if (given.length === channels) return given;
    throw usageError(`${option} has ${given.length} numbers for ${channels} channels`, {
      option,
      hint: channels === 1 ? `${option} ${given[0]!}` : 'one number, or one for each channel',
    });
  };
  if (std.some((value) => value <= 0)) {
    throw usageError(`--std ${std.join()} divides by zero or turns signs`, {
      option: '--std',
      hint: 'numbers above 0',
    });
  }
  return { mean: spread('--mean', mean), std: spread('--std', std) };
}

/**
 * Of each class, or of all where there are none. Classes take turns, so that the first images, which
 * --limit takes, are of all classes.
 */
function chosen(
  images: readonly ListedImage[],
  { skip, each = Infinity }: { readonly skip: number; readonly each?: number | undefined },
): ListedImage[] {
  const seen = new Map<number | null, number>();
  const placed = images.map((image) => {
    const place = seen.get(image.label) ?? 0;
    seen.set(image.label, place + 1);
    return { image, place };
  });
  return placed
    .filter(({ place }) => place >= skip && place < skip + each)
    .sort((a, b) => (a.image.label === null ? 0 : a.place - b.place))
    .map(({ image }) => image);
}

function rangeOf(data: Float32Array): readonly [number, number] {
  let [lo, hi] = [Infinity, -Infinity];
  for (const value of data) {
    lo = Math.min(lo, value);
    hi = Math.max(hi, value);
  }
  return [lo, hi];
}
