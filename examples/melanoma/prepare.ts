/**
 * Images of any size to the arrays that networks train on and plans encrypt.
 *
 *   npm run melanoma:prepare -- --images DIR --labels FILE.csv --out X.npy --labels-out Y.npy
 *
 * FILE.csv has the columns file (relative to DIR) and label or melanoma (1 = melanoma). X is float32
 * [K, 3, S, S] in 0…1, Y int64 [K], in the order of the CSV. Size S and resize kernel are read from
 * the metadata of --model (default: model.onnx beside this file); --size and --kernel override them.
 *
 * Unreadable images are named, and nothing is written (exit 3), unless --skip-bad leaves them out.
 */
import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { errorText, reportError } from '../../src/cli/error-report.ts';
import { escapeControl } from '../../src/cli/escape-control.ts';
import { checkOutputFile, writeOutputFile, writeOutputStream } from '../../src/cli/output-file.ts';
import { createProgressLine } from '../../src/cli/progress.ts';
import { temporarySibling } from '../../src/cli/temporary-paths.ts';
import { usageError } from '../../src/cli/usage-error.ts';
import { CipherloomError } from '../../src/errors.ts';
import { npyTypes } from '../../src/frontend/npy/npy-format.ts';
import { formatNpy, formatNpyHeader } from '../../src/frontend/npy/write-npy.ts';
import { decodeOnnx } from '../../src/frontend/onnx/decode.ts';
import { createImageDecoder, type ImageDecoder } from '../../src/frontend/images/decode-image.ts';
import { parseLabelFile, type LabelledFile } from './label-file.ts';
import { loadDecoders } from '../../src/frontend/images/load-decoders.ts';
import { isKernel, isSize, maxSize, preprocessingOf, type Preprocessing } from './preprocessing.ts';
import { resizeKernels, squareImage } from '../../src/frontend/images/square-image.ts';

/** A JPEG of 64 megapixels has about 20 MB. */
const maxFileBytes = 1 << 27;

interface Request {
  readonly images: string;
  readonly labels: string;
  readonly out: string;
  readonly labelsOut: string;
  readonly skipBad: boolean;
  readonly preprocessing: Preprocessing;
}

async function readRequest(args: readonly string[]): Promise<Request> {
  const { values } = parseCommandLine(args);
  const { images, labels, out, 'labels-out': labelsOut, model, size, kernel } = values;
  const missing = ['images', 'labels', 'out', 'labels-out'].find((name) => !(name in values));
  if (
    images === undefined ||
    labels === undefined ||
    out === undefined ||
    labelsOut === undefined
  ) {
    throw usageError(`--${missing ?? ''} is missing`, {
      option: `--${missing ?? ''}`,
      hint: '--images DIR --labels FILE.csv --out X.npy --labels-out Y.npy',
    });
  }
  if (size !== undefined && !isSize(size)) {
    throw usageError(`--size ${size} is not a whole number of 1…${maxSize}`, { option: '--size' });
  }
  if (kernel !== undefined && !isKernel(kernel)) {
    const known = resizeKernels.join(' or ');
    throw usageError(`--kernel ${kernel} is not ${known}`, { option: '--kernel' });
  }
  const preprocessing =
    size !== undefined && kernel !== undefined
      ? { size: Number(size), kernel }
      : await modelPreprocessing(model);
  return {
    images,
    labels,
    out,
    labelsOut,
    skipBad: values['skip-bad'] ?? false,
    preprocessing: {
      size: size === undefined ? preprocessing.size : Number(size),
      kernel: kernel ?? preprocessing.kernel,
    },
  };
}

function parseCommandLine(args: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        images: text,
        labels: text,
        out: text,
        'labels-out': text,
        model: text,
        size: text,
        kernel: text,
        'skip-bad': { type: 'boolean' },
      },
    });
  } catch (error) {
    throw usageError(error instanceof Error ? error.message : String(error));
  }
}

async function modelPreprocessing(model: string | undefined): Promise<Preprocessing> {
  const file = model ?? fileURLToPath(new URL('model.onnx', import.meta.url));
  const { metadata } = decodeOnnx(await readFile(file), path.basename(file));
  return preprocessingOf(metadata, file);
}

interface Prepared {
  readonly labels: readonly number[];
  readonly bad: readonly { readonly file: string; readonly reason: string }[];
}

/** Decode, crop and resize one image after another; bytes of the readable ones go to `spool`. */
async function prepareImages(
  { images, preprocessing: { size, kernel } }: Request,
  rows: readonly LabelledFile[],
  spool: number,
): Promise<Prepared> {
  const decode = await createImageDecoder(await loadDecoders());
  using progress = createProgressLine(process.stderr, process.stderr.isTTY);
  progress.step(`${rows.length} images to ${size} × ${size}`);
  const labels: number[] = [];
  const bad: { file: string; reason: string }[] = [];
  for (const [i, { file, label }] of rows.entries()) {
    progress.advance(i, rows.length);
    try {
      const pixels = squareImage(await readImage(path.resolve(images, file), decode), size, kernel);
      labels.push(label);
      writeSync(spool, pixels);
    } catch (error) {
      // A disk that is full or a decoder out of memory is no fault of this image.
      if (error instanceof CipherloomError || isDiskError(error)) throw error;
      bad.push({ file, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return { labels, bad };
}

async function readImage(file: string, decode: ImageDecoder) {
  const { size } = await stat(file);
  if (size > maxFileBytes) throw new Error(`${size} bytes; at most ${maxFileBytes} are read`);
  return await decode(new Uint8Array(await readFile(file)));
}

function isDiskError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && error.syscall === 'write';
}

/** The header, then every image as float32 in 0…1. */
async function* floatChunks(
  spool: string,
  count: number,
  size: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  yield formatNpyHeader(npyTypes.float32.descr, [count, 3, size, size]);
  const file = openSync(spool, 'r');
  try {
    const bytes = new Uint8Array(3 * size * size);
    for (let i = 0; i < count; i++) {
      readSync(file, bytes, 0, bytes.length, i * bytes.length);
      // A loop, not Float32Array.from: that goes through an iterator and takes ten times as long.
      const values = new Float32Array(bytes.length);
      for (let k = 0; k < bytes.length; k++) values[k] = bytes[k]! / 255;
      yield new Uint8Array(values.buffer);
    }
  } finally {
    closeSync(file);
  }
}

async function main(args: readonly string[]): Promise<void> {
  const request = await readRequest(args);
  const { out, labelsOut, labels: labelFile, preprocessing, skipBad } = request;
  const inputs = [labelFile];
  checkOutputFile(out, { flag: '--out', inputs });
  checkOutputFile(labelsOut, { flag: '--labels-out', inputs: [...inputs, out] });
  const rows = parseLabelFile(await readFile(labelFile, 'utf8'), labelFile);

  const spoolName = temporarySibling(path.resolve(out), 'tmp');
  const spool = openSync(spoolName, 'wx');
  try {
    const { labels, bad } = await prepareImages(request, rows, spool);
    for (const { file, reason } of bad) {
      console.error(
        `${skipBad ? 'skipped' : 'unreadable'}: ${escapeControl(`${file}: ${reason}`)}`,
      );
    }
    if (bad.length > 0 && (!skipBad || labels.length === 0)) {
      throw new CipherloomError(
        'DATA_INVALID',
        `${bad.length} of ${rows.length} images unreadable`,
        {
          details: { unreadable: bad.length, images: rows.length },
          hint: 'repair or remove them, or pass --skip-bad to leave them out',
        },
      );
    }
    const { size, kernel } = preprocessing;
    await writeOutputStream(out, floatChunks(spoolName, labels.length, size), { flag: '--out' });
    const shape = [labels.length];
    const data = BigInt64Array.from(labels, BigInt);
    writeOutputFile(labelsOut, formatNpy({ shape, data }), { flag: '--labels-out' });
    console.log(`${labels.length} images, 3 × ${size} × ${size}, resized by ${kernel}`);
  } finally {
    closeSync(spool);
    rmSync(spoolName, { force: true });
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const report = reportError(error);
  console.error(errorText(report, process.stderr.isTTY));
  process.exitCode = report.exit;
}
