/** ONNX's own conformance cases (onnx 1.16.2) of the operators that have importers. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import onnxProto from 'onnx-proto';
import type { onnx } from 'onnx-proto';
import { describe, expect, test } from 'vitest';
import { CipherloomError } from '../../src/errors.ts';
import { importOnnx } from '../../src/frontend/import-onnx.ts';
import { importers } from '../../src/frontend/importers/index.ts';
import { interpret } from '../../src/ir/interpret.ts';
import type { Tensor } from '../../src/ir/tensor.ts';
import { verify } from '../../src/ir/verify.ts';
import { relativeError } from '../support/compare-onnx.ts';
import { dataPath } from '../support/data.ts';

const { ModelProto, TensorProto } = onnxProto.onnx;
const { DataType } = TensorProto;
const root = dataPath('onnx/onnx-backend-1.16.2');
const operators = new Set(importers.map((importer) => importer.operator));

/** Cases that are refused, by what the message says. Every other one must agree. */
const refused: readonly (readonly [cases: RegExp, message: RegExp])[] = [
  [
    /_u?int8|FLOAT8\w*_to|_int32_int32|_int64_int64|edge_pad|Embedding|non_float_params/,
    /it is a tensor of/,
  ],
  [/identity_opt|identity_sequence/, /it is no tensor/],
  [/training_mode|dropout_default_mask|maxpool_with_argmax/, /its output 2, .* is used/],
  [/_to_(FLOAT8|U?INT|STRING)/, /it casts an encrypted value to/],
  [/node\/test_(constant$|shape)|symbolic_override_nested/, /it does not depend on an input/],
  [/ReflectionPad|ReplicationPad|operator_pad/, /its mode is (edge|reflect)/],
  [/matmul_[34]d/, /its constant is a stack of matrices/],
  [/test_pow$|operator_pow/, /is not a whole number/],
  [/float32_uint/, /has elements of type uint/],
  [/int\d+_float32/, /its exponent is an encrypted value/],
  [/allowzero_reordered/, /axis 0 of its shape \[0,3,4\] is not fixed/],
  [/slice_start_out_of_bounds/, /it leaves nothing of axis 1/],
  // Of opset 6 and before, though these files are read as opset 7.
  [/BatchNorm\dd_/, /the attribute "is_test" is not known/],
  [
    /_Linear$|addmm|operator_mm|operator_add_|addconstant/,
    /the attribute "broadcast" is not known/,
  ],
];

/** Cases whose data this file cannot read (half precision). */
const unread = /FLOAT16_to_(DOUBLE|FLOAT$)|_to_B?FLOAT16/;

/**
 * The expected file divides the partial last windows by the whole kernel, against the text of the
 * operator; ONNX Runtime follows the text, and so do we (compared in importers.test.ts).
 */
const wrong = 'test_averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_True';

interface Case {
  readonly title: string;
  readonly folder: string;
}

function casesOf(folder: string): Case[] {
  return readdirSync(folder).flatMap((group) =>
    readdirSync(path.join(folder, group)).flatMap((name) => {
      const model = ModelProto.decode(readFileSync(path.join(folder, group, name, 'model.onnx')));
      const known = model.graph?.node?.every((node) => operators.has(node.opType ?? '')) === true;
      return known && !unread.test(name) && name !== wrong
        ? [{ title: `${group}/${name}`, folder: path.join(folder, group, name) }]
        : [];
    }),
  );
}

function readTensor(file: string): onnx.TensorProto {
  return TensorProto.decode(readFileSync(file));
}

/** The elements of the tensors that the cases have, all in raw_data. */
function tensorOf(tensor: onnx.ITensorProto): Tensor {
  const shape = (tensor.dims ?? []).map(Number);
  const raw = tensor.rawData ?? new Uint8Array();
  const bytes = Uint8Array.from(raw).buffer;
  switch (tensor.dataType) {
    case DataType.FLOAT:
      return { shape, data: Float64Array.from(new Float32Array(bytes)) };
    case DataType.DOUBLE:
      return { shape, data: new Float64Array(bytes) };
    case DataType.INT64:
      return { shape, data: Float64Array.from(new BigInt64Array(bytes), Number) };
    default:
      throw new Error(`conformance data of type ${tensor.dataType ?? 'unknown'}`);
  }
}

/** The first float input is data, the others become constants; old opsets are read as 7. */
function prepare({ folder }: Case) {
  const set = path.join(folder, 'test_data_set_0');
  const model = ModelProto.decode(readFileSync(path.join(folder, 'model.onnx')));
  const initialized = new Set(model.graph?.initializer?.map(({ name }) => name));
  const inputs = model.graph?.input?.filter(({ name }) => !initialized.has(name)) ?? [];
  const tensors = inputs.map((input, n) => {
    const file = path.join(set, `input_${n}.pb`);
    return { input, tensor: existsSync(file) ? readTensor(file) : null };
  });
  // The first float32 tensor of the case is encrypted.
  const data = tensors.find(({ tensor }) => tensor?.dataType === DataType.FLOAT) ?? tensors[0];
  const constants = tensors.filter((each) => each !== data && each.tensor !== null);
  model.graph!.initializer = [
    ...(model.graph!.initializer ?? []),
    ...constants.map(({ input, tensor }) => Object.assign(tensor!, { name: input.name ?? '' })),
  ];
  for (const opset of model.opsetImport) opset.version = Math.max(7, Number(opset.version));
  const bytes = ModelProto.encode(model).finish();
  return { bytes, data, expected: readTensor(path.join(set, 'output_0.pb')) };
}

describe.skipIf(root === null)('conformance cases of ONNX (needs the data folder)', () => {
  const cases = root === null ? [{ title: 'every case', folder: '' }] : casesOf(root);

  test.each(cases)('$title', (each) => {
    const { bytes, data, expected } = prepare(each);
    const refusal = refused.find(([pattern]) => pattern.test(each.title));
    if (refusal !== undefined) {
      expect(() => importOnnx(bytes, { name: each.title })).toThrow(refusal[1]);
      expect(() => importOnnx(bytes, { name: each.title })).toThrow(CipherloomError);
      return;
    }
    const { program } = importOnnx(bytes, { name: each.title });
    verify(program);
    const inputs = new Map(
      data === undefined || data.tensor === null
        ? []
        : [[data.input.name ?? '', { kind: 'tensor', tensor: tensorOf(data.tensor) } as const]],
    );
    const output = interpret(program, inputs).get(program.outputs[0]!.name);
    if (output?.kind !== 'tensor') throw new Error('not a tensor');
    const wanted = tensorOf(expected);
    expect(output.tensor.shape).toEqual(wanted.shape);
    expect(relativeError(output.tensor.data, wanted.data)).toBeLessThanOrEqual(1e-5);
  });
});
