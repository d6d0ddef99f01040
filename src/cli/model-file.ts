import { basename, extname } from 'node:path';
import type { ModelSource } from '../compile.ts';
import { readBoundedFile } from './read-file.ts';

/** A protobuf message ends at 2 GiB. */
const maxModelBytes = 2 ** 31 - 1;

/** The bytes of a model, named after its file. Throws FILE_UNREADABLE, RESOURCE_LIMIT. */
export function readModelFile(path: string): ModelSource {
  const bytes = readBoundedFile(path, maxModelBytes);
  return { bytes, name: basename(path, extname(path)), file: path };
}
