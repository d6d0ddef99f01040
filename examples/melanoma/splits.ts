/** The rows of `labels.csv` that belong to a split. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

export interface SkinImage {
  /** Relative to the folder of `labels.csv`. */
  readonly file: string;
  /** The set that it comes from: the folder of the file. */
  readonly source: string;
  readonly melanoma: boolean;
  /** nv nevus, mel melanoma, bkl, sk, bcc, akiec, vasc, df. */
  readonly diagnosis: string;
}

/** Throws an Error where the folder has no such split. */
export function readSplit(folder: string, split: string): SkinImage[] {
  const [header = '', ...lines] = readFileSync(path.join(folder, 'labels.csv'), 'utf8')
    .trim()
    .split(/\r?\n/);
  const columns = header.split(',');
  const at = (fields: readonly string[], column: string): string =>
    fields[columns.indexOf(column)] ?? '';
  const rows = lines
    .map((line) => line.split(','))
    .filter((fields) => at(fields, 'split') === split)
    .map((fields) => ({
      file: at(fields, 'file'),
      source: at(fields, 'file').split('/')[0] ?? '',
      melanoma: at(fields, 'melanoma') === '1',
      diagnosis: at(fields, 'dx'),
    }));
  if (rows.length === 0) throw new Error(`labels.csv in ${folder} has no images of split ${split}`);
  return rows;
}
