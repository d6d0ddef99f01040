import { resizeKernels } from '../../frontend/images/square-image.ts';
import { formatNpy } from '../../frontend/npy/write-npy.ts';
import { defineCommand } from '../define-command.ts';
import { listImages, type ListedImage } from '../images/list-images.ts';
import { normalisationOf, normalisationOptions } from '../images/normalisation.ts';
import { maxImageNumbers, readImages, tooManyImages } from '../images/read-images.ts';
import { choice, filePath, flag, integer } from '../option-schemas.ts';
import { checkOutputFile, writeOutputFile } from '../output-file.ts';
import { outputOption } from '../shared-options.ts';
import { numberText, shapeText } from '../text/figures.ts';
import { factLines } from '../text/table.ts';
import { usageError } from '../usage-error.ts';

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
    ...normalisationOptions,
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
    if (images.length * each > maxImageNumbers) {
      const most = Math.floor(maxImageNumbers / each / Math.max(1, classes.length));
      throw tooManyImages(folder, images.length, each, `--each ${Math.max(1, most)}`);
    }
    io.progress.step(`${images.length} images to ${size} × ${size}`);
    const paths = images.map(({ path }) => path);
    const data = await readImages(paths, { size, resize, normalisation }, (done) => {
      io.progress.advance(done, images.length);
    });
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
