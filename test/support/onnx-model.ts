/** Small ONNX models for tests, written as the bytes of a file. */
import onnxProto from 'onnx-proto';
import type { onnx } from 'onnx-proto';
import { elementCount } from '../../src/layout/layout.ts';

const { onnx: proto } = onnxProto;
const { AttributeType } = proto.AttributeProto;

/** An attribute: a whole number is an int; write floats with `float`. */
export type TestAttribute =
  | number
  | string
  | readonly number[]
  | readonly string[]
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly tensor: TestTensor };

export interface TestTensor {
  readonly dims: readonly number[];
  readonly type?: 'float32' | 'float64' | 'int64' | 'int32' | 'bool';
  readonly data: ArrayLike<number>;
  /** Whether the elements are in the typed field rather than in raw_data. */
  readonly typed?: boolean;
}

export interface TestNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly name?: string;
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, TestAttribute>>;
}

type Dim = number | string;

export interface TestModel {
  readonly opset?: number;
  readonly irVersion?: number;
  readonly domains?: Readonly<Record<string, number>>;
  readonly inputs: Readonly<Record<string, readonly Dim[]>>;
  /** Names, or names with element types. */
  readonly outputs: readonly string[];
  readonly outputType?: 'float32' | 'int64';
  readonly initializers?: Readonly<Record<string, TestTensor>>;
  readonly nodes: readonly TestNode[];
  readonly metadata?: Readonly<Record<string, string>>;
  readonly valueInfo?: Readonly<Record<string, readonly Dim[]>>;
}

const types = {
  float32: proto.TensorProto.DataType.FLOAT,
  float64: proto.TensorProto.DataType.DOUBLE,
  int64: proto.TensorProto.DataType.INT64,
  int32: proto.TensorProto.DataType.INT32,
  bool: proto.TensorProto.DataType.BOOL,
};

export function tensorProto(name: string, value: TestTensor): onnx.ITensorProto {
  const type = value.type ?? 'float32';
  const data = Array.from(value.data);
  const common = { name, dims: [...value.dims], dataType: types[type] };
  if (value.typed === true) {
    if (type === 'float32') return { ...common, floatData: data };
    if (type === 'float64') return { ...common, doubleData: data };
    if (type === 'int64') return { ...common, int64Data: data };
    return { ...common, int32Data: data };
  }
  const bytes = {
    float32: () => Float32Array.from(data),
    float64: () => Float64Array.from(data),
    int64: () => BigInt64Array.from(data.map((n) => (n > 2 ** 53 ? 2n ** 63n - 1n : BigInt(n)))),
    int32: () => Int32Array.from(data),
    bool: () => Uint8Array.from(data),
  }[type]();
  return { ...common, rawData: new Uint8Array(bytes.buffer) };
}

function attributeProto(name: string, value: TestAttribute): onnx.IAttributeProto {
  if (typeof value === 'number') return { name, type: AttributeType.INT, i: value };
  if (typeof value === 'string') {
    return { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) };
  }
  if (Array.isArray(value)) {
    const list = value as readonly (number | string)[];
    if (typeof list[0] === 'string') {
      const strings = list.map((text) => new TextEncoder().encode(String(text)));
      return { name, type: AttributeType.STRINGS, strings };
    }
    return { name, type: AttributeType.INTS, ints: list.map(Number) };
  }
  const typed = value as Exclude<TestAttribute, number | string | readonly (number | string)[]>;
  if ('float' in typed) return { name, type: AttributeType.FLOAT, f: typed.float };
  if ('floats' in typed) return { name, type: AttributeType.FLOATS, floats: [...typed.floats] };
  return { name, type: AttributeType.TENSOR, t: tensorProto('', typed.tensor) };
}

function valueInfo(
  name: string,
  dims: readonly Dim[] | null,
  elemType: number,
): onnx.IValueInfoProto {
  const shape =
    dims === null
      ? null
      : {
          dim: dims.map((dim) => (typeof dim === 'number' ? { dimValue: dim } : { dimParam: dim })),
        };
  return { name, type: { tensorType: { elemType, ...(shape === null ? {} : { shape }) } } };
}

/** The bytes of a model file. */
export function encodeModel(model: TestModel): Uint8Array<ArrayBuffer> {
  const outputType = types[model.outputType ?? 'float32'];
  const bytes = proto.ModelProto.encode({
    irVersion: model.irVersion ?? 8,
    producerName: 'cipherloom tests',
    opsetImport: [
      { domain: '', version: model.opset ?? 13 },
      ...Object.entries(model.domains ?? {}).map(([domain, version]) => ({ domain, version })),
    ],
    metadataProps: Object.entries(model.metadata ?? {}).map(([key, value]) => ({ key, value })),
    graph: {
      name: 'test',
      node: model.nodes.map((node) => ({
        opType: node.op,
        name: node.name ?? '',
        domain: node.domain ?? '',
        input: [...node.inputs],
        output: [...node.outputs],
        attribute: Object.entries(node.attributes ?? {}).map(([name, value]) =>
          attributeProto(name, value),
        ),
      })),
      initializer: Object.entries(model.initializers ?? {}).map(([name, value]) =>
        tensorProto(name, value),
      ),
      input: Object.entries(model.inputs).map(([name, dims]) =>
        valueInfo(name, dims, types.float32),
      ),
      output: model.outputs.map((name) => valueInfo(name, null, outputType)),
      valueInfo: Object.entries(model.valueInfo ?? {}).map(([name, dims]) =>
        valueInfo(name, dims, types.float32),
      ),
    },
  }).finish();
  return Uint8Array.from(bytes);
}

/** A tensor of a shape with the given elements, repeated as often as needed. */
export function filled(dims: readonly number[], random: () => number, lo = -1, hi = 1): TestTensor {
  const data = Array.from({ length: elementCount(dims) }, () =>
    Math.fround(lo + (hi - lo) * random()),
  );
  return { dims, data };
}
