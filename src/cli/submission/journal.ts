import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CipherloomError } from '../../errors.ts';
import { npyNumbers } from '../../frontend/npy/read-npy.ts';
import { openNpz } from '../../frontend/npy/read-npz.ts';
import { formatNpz } from '../../frontend/npy/write-npz.ts';
import type { InputTensors } from '../input-tensors.ts';
import { writeOutputFile } from '../output-file.ts';
import { unwritable } from '../output-checks.ts';
import type { Results } from '../protocol/compare.ts';
import { readBoundedFile } from '../read-file.ts';

/** Answers of one request are small; what is larger was not written here. */
const maxPartBytes = 2 ** 30;
const headName = 'submission.json';

/** What makes two submissions the same: a resumed one may use the other's answers. */
export interface SubmissionFacts {
  readonly planHash: string;
  /** SHA-256 of all inputs, hex. */
  readonly inputs: string;
  readonly imagesPerRequest: number;
}

/** Answers that are there, in a folder beside the results, until all are. */
export interface Journal {
  /** How many answers an earlier run left. */
  readonly found: number;
  /** The answer to a request, or null. */
  read(request: number): Results | null;
  write(request: number, results: Results): void;
  /** Everything is written: the folder goes. */
  remove(): void;
}

/**
 * Open the folder of a submission that was interrupted, or make one.
 *
 * Throws  FILE_EXISTS where it is another submission's; FILE_UNWRITABLE
 */
export function openJournal(output: string, facts: SubmissionFacts): Journal {
  const folder = `${output}.parts`;
  const head = join(folder, headName);
  const text = `${JSON.stringify(facts)}\n`;
  if (existsSync(head)) {
    if (new TextDecoder().decode(readBoundedFile(head, maxPartBytes)) !== text) {
      throw new CipherloomError('FILE_EXISTS', `${folder} holds answers of another submission`, {
        phase: 'cli',
        node: folder,
        hint: `remove ${folder}, or give another --output; the same plan, inputs and --images go on with it`,
      });
    }
  } else {
    try {
      // Results are for the owner of the key alone.
      mkdirSync(folder, { mode: 0o700, recursive: true });
    } catch (cause) {
      throw unwritable(folder, '--output', cause);
    }
    writeOutputFile(head, new TextEncoder().encode(text));
  }
  const pathOf = (request: number): string => join(folder, `${request}.npz`);
  return {
    found: readdirSync(folder).filter((name) => /^\d+\.npz$/.test(name)).length,
    read(request) {
      const path = pathOf(request);
      if (!existsSync(path)) return null;
      const archive = openNpz(readBoundedFile(path, maxPartBytes), path);
      return new Map(
        archive.names.map((name) => {
          const array = archive.read(name);
          const numbers = Float64Array.from(npyNumbers(array, path));
          const [rows = 0] = array.shape;
          const each = numbers.length / Math.max(rows, 1);
          return [
            name,
            Array.from({ length: rows }, (_, k) => numbers.slice(k * each, (k + 1) * each)),
          ];
        }),
      );
    },
    write(request, results) {
      const arrays = [...results].map(([name, rows]) => {
        const data = Float64Array.from(rows.flatMap((row) => [...row]));
        return [name, { shape: [rows.length, rows[0]?.length ?? 0], data }] as const;
      });
      writeOutputFile(pathOf(request), formatNpz(new Map(arrays)));
    },
    remove() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** SHA-256 over names and numbers. */
export function digestInputs({ tensors }: InputTensors): string {
  const hash = createHash('sha256');
  for (const [name, { data, images }] of tensors) {
    hash.update(`${name}\0${images}\0${data.BYTES_PER_ELEMENT}\0`);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex');
}
