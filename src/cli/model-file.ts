import { basename, dirname, extname } from 'node:path';
import type { ModelSource } from '../compile.ts';
import { openModelFolder } from '../frontend/onnx/model-folder.ts';
import { readBoundedFile } from './read-file.ts';

/** A protobuf message ends at 2 GiB. */
const maxModelBytes = 2 ** 31 - 1;

/**
 * The bytes of a model, named after its file, with the folder that its tensors may name files in.
 *
 * Throws FILE_UNREADABLE, RESOURCE_LIMIT from the size of the file, before it is read.
 */
export function readModelFile(path: string): ModelSource {
  const bytes = readBoundedFile(
    path,
    maxModelBytes,
    'no flag raises the limit, which is that of protobuf: keep the weights beside the model, ' +
      'onnx.save(model, path, save_as_external_data=True)',
  );
  const external = openModelFolder(dirname(path));
  return { bytes, name: basename(path, extname(path)), file: path, external };
}
