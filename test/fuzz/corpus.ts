/** The files that mutation starts from. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { importerCases } from '../frontend/importer-cases.ts';
import { dataPath } from '../support/data.ts';
import { encodeModel } from '../support/onnx-model.ts';

export interface CorpusFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Larger files make the same mistakes more slowly. */
const maxBytes = 200_000;

function filesUnder(folder: string, prefix: string, limit: number): CorpusFile[] {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.onnx') && statSync(path.join(folder, name)).size <= limit)
    .sort()
    .map((name) => ({
      name: `${prefix}/${name}`,
      bytes: new Uint8Array(readFileSync(path.join(folder, name))),
    }));
}

/**
 * Networks of the examples, one model for each use of each operator, and, where the data folder is
 * there, other people's models and ONNX's backend suite. The order is the same on every machine.
 */
export function readCorpus(): readonly CorpusFile[] {
  const examples = path.join(import.meta.dirname, '../../examples');
  const data = dataPath('onnx');
  return [
    ...filesUnder(examples, 'examples', 3 * maxBytes),
    ...Object.entries(importerCases).flatMap(([operator, cases]) =>
      cases.map(({ model }, n) => ({ name: `${operator}/${n}`, bytes: encodeModel(model) })),
    ),
    ...(data === null ? [] : filesUnder(data, 'data', maxBytes)),
  ];
}
