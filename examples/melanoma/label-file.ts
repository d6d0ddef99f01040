/** The CSV that names the images and their classes. */
import { CipherloomError } from '../../src/errors.ts';

export interface LabelledFile {
  /** As written in the CSV: relative to the folder of the images. */
  readonly file: string;
  /** 1 = melanoma. */
  readonly label: number;
}

const labelColumns = ['label', 'melanoma'];

/**
 * Read `file,label` (or `file,…,melanoma,…`; other columns are ignored) in the order of its lines.
 *
 * Throws  DATA_INVALID, naming the line
 */
export function parseLabelFile(text: string, name: string): LabelledFile[] {
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
  const fail = (line: number, message: string): never => {
    throw new CipherloomError('DATA_INVALID', `${name}, line ${line}: ${message}`, {
      node: name,
      details: { line },
      hint: 'the first line is "file,label"; then one image a line, label 1 = melanoma, else 0',
    });
  };
  const header = splitLine(lines[0] ?? '');
  const fileAt = header.indexOf('file');
  const labelAt = header.findIndex((column) => labelColumns.includes(column));
  if (fileAt < 0 || labelAt < 0) {
    fail(1, `no column "${fileAt < 0 ? 'file' : 'label'}" in "${lines[0]?.slice(0, 200) ?? ''}"`);
  }
  const rows = lines.flatMap((line, i): LabelledFile[] => {
    if (i === 0 || line.trim() === '') return [];
    const fields = splitLine(line);
    const file = fields[fileAt] ?? '';
    const label = fields[labelAt] ?? '';
    if (file === '') fail(i + 1, 'no file name');
    if (!/^\d{1,9}$/.test(label)) fail(i + 1, `"${label}" is not a class (a whole number)`);
    return [{ file, label: Number(label) }];
  });
  if (rows.length === 0) fail(1, 'names no image');
  return rows;
}

/** Fields of one line; quotes around a field allow a comma in it. */
function splitLine(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:\s*"((?:[^"]|"")*)"\s*(?=,|$)|([^,]*))/g)].map(
    ([, quoted, plain]) => (quoted?.replaceAll('""', '"') ?? plain ?? '').trim(),
  );
}
