/** The network with what stands beside it: preprocessing, calibration images, record. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeOnnx } from '../../src/frontend/onnx/decode.ts';
import { readPixels } from './images.ts';
import { preprocessingOf, type Preprocessing } from './preprocessing.ts';

export const here = fileURLToPath(new URL('.', import.meta.url));

export interface Model {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly name: string;
  readonly file: string;
  /** Hex. */
  readonly sha256: string;
  readonly preprocessing: Preprocessing;
  /** The recipe that it was trained by. */
  readonly recipe: string;
}

export async function readModel(file = path.join(here, 'model.onnx')): Promise<Model> {
  const bytes = new Uint8Array(await readFile(file));
  const { metadata } = decodeOnnx(bytes, file);
  return {
    bytes,
    name: 'melanoma',
    file: 'model.onnx',
    sha256: createHash('sha256').update(bytes).digest('hex'),
    preprocessing: preprocessingOf(metadata, file),
    recipe: metadata.get('cipherloom.recipe') ?? 'unknown',
  };
}

/** Training images for the ranges of activations, as `compile` takes them. */
export async function readCalibration({
  preprocessing,
}: Pick<Model, 'preprocessing'>): Promise<ReadonlyMap<string, Float64Array<ArrayBuffer>[]>> {
  const folder = path.join(here, 'calibration');
  const files = (await readdir(folder)).filter((name) => name.endsWith('.jpg')).sort();
  const images: Float64Array<ArrayBuffer>[] = [];
  for (const name of files) {
    images.push(Float64Array.from(await readPixels(path.join(folder, name), preprocessing)));
  }
  return new Map([['image', images]]);
}

/** Of a score on the validation split. */
export interface ValidationFigures {
  readonly auc: number;
  /** Balanced accuracy at the threshold. */
  readonly ba: number;
  /** Logits from it on are called melanoma: the best there. */
  readonly threshold: number;
}

/** Melanoma against nevi, and against everything else. */
export interface Validation {
  readonly nevus: ValidationFigures;
  readonly all: ValidationFigures;
}

/** What `export.py` wrote beside the network, as far as it is read here. */
export interface ModelRecord {
  /** Of the network that it belongs to, hex. */
  readonly sha256: string;
  readonly multiplyAdds: number;
  readonly activations: number;
  readonly parameters: number;
  readonly validation: Validation;
}

/** A network of the same family that was trained for images of another size. */
export interface TrainedSize extends Validation {
  readonly recipe: string;
  readonly epochs: number;
}

/** Throws an Error where the record is that of another network. */
export async function readRecord(model: Model): Promise<ModelRecord> {
  const record = JSON.parse(await readFile(path.join(here, 'model.json'), 'utf8')) as ModelRecord;
  if (record.sha256 !== model.sha256) {
    throw new Error('model.json belongs to another network: write both with export.py');
  }
  return record;
}

/** By size, as `tries.py` wrote them from the logs. */
export async function readTrainedSizes(): Promise<ReadonlyMap<number, TrainedSize>> {
  const file = await readFile(path.join(here, 'trained-sizes.json'), 'utf8');
  const bySize = JSON.parse(file) as Readonly<Record<string, TrainedSize>>;
  return new Map(Object.entries(bySize).map(([size, figures]) => [Number(size), figures]));
}

/** Probability of a logit. */
export const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit));
