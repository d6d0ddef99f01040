/** The conformance cases of ONNX (onnx 1.16.2, `onnx.backend.test`), as files and as tensors. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import onnxProto from 'onnx-proto';
import type { onnx } from 'onnx-proto';
import type { Tensor } from '../../src/ir/tensor.ts';
import { dataPath } from '../support/data.ts';

const { ModelProto, TensorProto } = onnxProto.onnx;
const { DataType } = TensorProto;
const bfloat16Type: number = DataType.BFLOAT16;
const uint16Type: number = DataType.UINT16;

export interface BackendCase {
  /** Group and name: `node/test_add`. */
  readonly title: string;
  readonly model: onnx.IModelProto;
  readonly dataSets: readonly DataSet[];
}

/** One set of inputs and expected outputs of a case. */
export interface DataSet {
  /** By input; null where the file is absent or holds no tensor. */
  readonly inputs: readonly CaseTensor[];
  readonly outputs: readonly CaseTensor[];
}

export interface CaseTensor {
  readonly name: string;
  /** Null where the case has no data for it, or a sequence or an optional in its place. */
  readonly proto: onnx.ITensorProto | null;
}

/** The folder of the cases, or null where the data is absent. */
export const backendFolder = dataPath('onnx/onnx-backend-1.16.2');

/** Every case, in order of its title. */
export function backendCases(folder: string): BackendCase[] {
  return readdirSync(folder)
    .sort()
    .flatMap((group) =>
      readdirSync(path.join(folder, group))
        .sort()
        .map((name) => readCase(`${group}/${name}`, path.join(folder, group, name))),
    );
}

function readCase(title: string, folder: string): BackendCase {
  const model = ModelProto.decode(readFileSync(path.join(folder, 'model.onnx')));
  const initialized = new Set(model.graph?.initializer?.map(({ name }) => name));
  const inputs = model.graph?.input?.filter(({ name }) => !initialized.has(name)) ?? [];
  const outputs = model.graph?.output ?? [];
  const sets = readdirSync(folder).filter((entry) => entry.startsWith('test_data_set_'));
  const read = (set: string, kind: string, info: onnx.IValueInfoProto, n: number): CaseTensor => {
    const file = path.join(folder, set, `${kind}_${n}.pb`);
    const isTensor =
      info.type?.tensorType !== null && info.type?.tensorType !== undefined && existsSync(file);
    if (!isTensor) return { name: info.name ?? '', proto: null };
    const proto = TensorProto.decode(readFileSync(file));
    // numpy has no bfloat16: the suite writes the bit patterns as uint16.
    const declared: number = info.type?.tensorType?.elemType ?? 0;
    if (declared === bfloat16Type && proto.dataType === uint16Type) proto.dataType = bfloat16Type;
    return { name: info.name ?? '', proto };
  };
  return {
    title,
    model,
    dataSets: sets.sort().map((set) => ({
      inputs: inputs.map((info, n) => read(set, 'input', info, n)),
      outputs: outputs.map((info, n) => read(set, 'output', info, n)),
    })),
  };
}

const readers = new Map<number, (bytes: ArrayBuffer) => ArrayLike<number>>([
  [DataType.FLOAT, (bytes) => new Float32Array(bytes)],
  [DataType.DOUBLE, (bytes) => new Float64Array(bytes)],
  [DataType.FLOAT16, (bytes) => new Float16Array(bytes)],
  [DataType.BFLOAT16, bfloat16],
  [DataType.INT8, (bytes) => new Int8Array(bytes)],
  [DataType.INT16, (bytes) => new Int16Array(bytes)],
  [DataType.INT32, (bytes) => new Int32Array(bytes)],
  [DataType.INT64, (bytes) => Float64Array.from(new BigInt64Array(bytes), Number)],
  [DataType.UINT8, (bytes) => new Uint8Array(bytes)],
  [DataType.UINT16, (bytes) => new Uint16Array(bytes)],
  [DataType.UINT32, (bytes) => new Uint32Array(bytes)],
  [DataType.UINT64, (bytes) => Float64Array.from(new BigUint64Array(bytes), Number)],
  [DataType.BOOL, (bytes) => new Uint8Array(bytes)],
]);

/** A bfloat16 is the upper half of a float32. */
function bfloat16(bytes: ArrayBuffer): Float32Array {
  return new Float32Array(
    Uint32Array.from(new Uint16Array(bytes), (half) => half * 2 ** 16).buffer,
  );
}

/**
 * The elements of a tensor, read without the code that is under test.
 *
 * Null for strings, complex numbers and eight-bit floats, which no reader here knows.
 */
export function tensorOf(proto: onnx.ITensorProto): Tensor | null {
  const read = readers.get(proto.dataType ?? 0);
  if (read === undefined) return null;
  const shape = (proto.dims ?? []).map(Number);
  const raw = Uint8Array.from(proto.rawData ?? []);
  // The only typed field that the cases use: bit patterns of half floats.
  const patterns = Uint16Array.from(proto.int32Data ?? []);
  return {
    shape,
    data: Float64Array.from(read(patterns.length > 0 ? patterns.buffer : raw.buffer)),
  };
}

const floats: readonly (number | null | undefined)[] = [
  DataType.FLOAT,
  DataType.DOUBLE,
  DataType.FLOAT16,
  DataType.BFLOAT16,
];

/** Whether a tensor holds numbers that can be encrypted. */
export function isFloat(proto: onnx.ITensorProto | null): boolean {
  return proto !== null && floats.includes(proto.dataType);
}
