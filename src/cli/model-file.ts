import { basename, dirname, extname } from 'node:path';
import type { ModelSource, OnnxSource } from '../compile.ts';
import { isProgramFile, loadProgram } from '../frontend/dsl/load-program.ts';
import { openModelFolder } from '../frontend/onnx/model-folder.ts';
import { filePath } from './option-schemas.ts';
import { readBoundedFile } from './read-file.ts';
import { usageError } from './usage-error.ts';

/** A protobuf message ends at 2 GiB. */
const maxModelBytes = 2 ** 31 - 1;

/** A program is written by hand; what is larger holds data. */
const maxProgramBytes = 2 ** 26;

/** What `MODEL` is, in the help of every command that takes one. */
export const modelDescription =
  'an .onnx file, or a program (.ts, .mts, .js, .mjs) whose code is run here';

/** Which of several programs in a file is meant. */
export const programOption = {
  value: 'NAME',
  schema: filePath().optional(),
  describe: 'the export to take from a .ts file that holds several programs',
} as const;

/**
 * A model: an ONNX file, or a program, by the name of the file.
 *
 * A program's code runs. Throws USAGE for --program with an ONNX file, PROGRAM_INVALID, and as
 * `readModelFile`.
 */
export async function openModel(path: string, program: string | undefined): Promise<ModelSource> {
  if (isProgramFile(path)) {
    // Node would read anything, a pipe as well.
    readBoundedFile(
      path,
      maxProgramBytes,
      'keep weights in .npy files, and read them with readNpy',
    );
    return loadProgram(path, program);
  }
  if (program !== undefined) {
    throw usageError(`--program ${program}: ${path} is not a TypeScript file`, {
      option: '--program',
      hint: 'leave --program away',
    });
  }
  return readModelFile(path);
}

/**
 * The bytes of a model, named after its file, with the folder that its tensors may name files in.
 *
 * Throws FILE_UNREADABLE, RESOURCE_LIMIT from the size of the file, before it is read.
 */
function readModelFile(path: string): OnnxSource {
  const bytes = readBoundedFile(
    path,
    maxModelBytes,
    'no flag raises the limit, which is that of protobuf: keep the weights beside the model, ' +
      'onnx.save(model, path, save_as_external_data=True)',
  );
  const external = openModelFolder(dirname(path));
  return { bytes, name: basename(path, extname(path)), file: path, external };
}
