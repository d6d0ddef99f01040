/** What a mutated file is put through. */
import { inspect } from '../../src/inspect.ts';
import { examineOnnx } from '../../src/frontend/import-onnx.ts';
import { verify } from '../../src/ir/verify.ts';

/** Read, import, type; then, where `whole`, everything that `inspect` does up to the plan's figures. */
export default async function examine(bytes: Uint8Array, whole: boolean): Promise<unknown> {
  if (whole) return await inspect({ bytes, name: 'model', file: 'model.onnx' });
  const { program, ...examination } = examineOnnx(bytes, { name: 'model', file: 'model.onnx' });
  if (program !== null) verify(program);
  return examination;
}
