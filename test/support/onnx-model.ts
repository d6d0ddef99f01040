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
  | { readonly tensor: TestTensor }
  /** What the call of a function gives as its attribute `ref`. */
  | { readonly ref: string; readonly kind: 'FLOAT' | 'INT' | 'INTS' | 'TENSOR' };

export interface TestTensor {
  readonly dims: readonly number[];
  readonly type?: TestElementType;
  readonly data: ArrayLike<number>;
  /** Whether the elements are in the typed field rather than in raw_data. */
  readonly typed?: boolean;
  /** Entries of external_data; the elements are in another file. */
  readonly external?: Readonly<Record<string, string>>;
}

export interface TestNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly name?: string;
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, TestAttribute>>;
}

export interface TestFunction {
  readonly name: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly TestNode[];
  /** Attributes without a default. */
  readonly attributes?: readonly string[];
  readonly defaults?: Readonly<Record<string, TestAttribute>>;
  readonly opset?: number;
  readonly domains?: readonly string[];
}

type Dim = number | string;

export interface TestModel {
  readonly opset?: number;
  readonly irVersion?: number;
  readonly domains?: Readonly<Record<string, number>>;
  readonly inputs: Readonly<Record<string, readonly Dim[]>>;
  /** Names, or names with element types. */
  readonly outputs: readonly string[];
  readonly outputType?: TestElementType;
  readonly inputType?: TestElementType;
  readonly initializers?: Readonly<Record<string, TestTensor>>;
  readonly nodes: readonly TestNode[];
  readonly metadata?: Readonly<Record<string, string>>;
  readonly valueInfo?: Readonly<Record<string, readonly Dim[]>>;
  readonly functions?: readonly TestFunction[];
}

/** Numbers of TensorProto.DataType. */
const typeNumbers = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
  uint4: 21,
  int4: 22,
} as const;

export type TestElementType = keyof typeof typeNumbers;

export function tensorProto(name: string, value: TestTensor): onnx.ITensorProto {
  const type = value.type ?? 'float32';
  const data = Array.from(value.data);
  const { external } = value;
  const common = { name, dims: [...value.dims], dataType: typeNumbers[type] };
  if (external !== undefined) {
    const externalData = Object.entries(external).map(([key, entry]) => ({ key, value: entry }));
    const dataLocation = proto.TensorProto.DataLocation.EXTERNAL;
    return { ...common, externalData, dataLocation };
  }
  if (value.typed !== true) return { ...common, rawData: elementBytes(type, data) };
  if (type === 'float32') return { ...common, floatData: data };
  if (type === 'float64') return { ...common, doubleData: data };
  if (type === 'int64') return { ...common, int64Data: data };
  if (type === 'uint64' || type === 'uint32') return { ...common, uint64Data: data };
  const bits = elementBytes(type, data);
  if (type === 'float16' || type === 'bfloat16')
    return { ...common, int32Data: [...new Uint16Array(bits.buffer)] };
  return { ...common, int32Data: type === 'int4' || type === 'uint4' ? [...bits] : data };
}

/** Elements as raw_data holds them. */
export function elementBytes(
  type: TestElementType,
  data: readonly number[],
): Uint8Array<ArrayBuffer> {
  const whole = (n: number): bigint => (n > 2 ** 53 ? 2n ** 63n - 1n : BigInt(n));
  if (type === 'int4' || type === 'uint4') {
    const bytes = new Uint8Array(Math.ceil(data.length / 2));
    data.forEach((n, k) => (bytes[k >> 1]! |= (n & 15) << (4 * (k % 2))));
    return bytes;
  }
  const array = {
    float32: () => Float32Array.from(data),
    float64: () => Float64Array.from(data),
    float16: () => Float16Array.from(data),
    bfloat16: () =>
      Uint16Array.from(new Uint32Array(Float32Array.from(data).buffer), (bits) => bits >>> 16),
    int64: () => BigInt64Array.from(data.map(whole)),
    uint64: () => BigUint64Array.from(data.map(whole)),
    int32: () => Int32Array.from(data),
    uint32: () => Uint32Array.from(data),
    int16: () => Int16Array.from(data),
    uint16: () => Uint16Array.from(data),
    int8: () => Int8Array.from(data),
    uint8: () => Uint8Array.from(data),
    bool: () => Uint8Array.from(data),
  }[type]();
  return new Uint8Array(array.buffer);
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
  if ('ref' in typed) return { name, type: AttributeType[typed.kind], refAttrName: typed.ref };
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
  const outputType = typeNumbers[model.outputType ?? 'float32'];
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
      node: model.nodes.map(nodeProto),
      initializer: Object.entries(model.initializers ?? {}).map(([name, value]) =>
        tensorProto(name, value),
      ),
      input: Object.entries(model.inputs).map(([name, dims]) =>
        valueInfo(name, dims, typeNumbers[model.inputType ?? 'float32']),
      ),
      output: model.outputs.map((name) => valueInfo(name, null, outputType)),
      valueInfo: Object.entries(model.valueInfo ?? {}).map(([name, dims]) =>
        valueInfo(name, dims, typeNumbers.float32),
      ),
    },
  }).finish();
  const functions = (model.functions ?? []).map((each) => delimited(25, functionProto(each)));
  return Uint8Array.from(Buffer.concat([bytes, Uint8Array.from(functions.flat())]));
}

function nodeProto(node: TestNode): onnx.INodeProto {
  return {
    opType: node.op,
    name: node.name ?? '',
    domain: node.domain ?? '',
    input: [...node.inputs],
    output: [...node.outputs],
    attribute: Object.entries(node.attributes ?? {}).map(([name, value]) =>
      attributeProto(name, value),
    ),
  };
}

/** A function of ONNX 1.13: attributes with defaults are a field that onnx-proto does not have. */
function functionProto(each: TestFunction): number[] {
  const { name, domain, inputs, outputs, nodes, attributes = [], defaults = {} } = each;
  const bytes = proto.FunctionProto.encode({
    ...{ name, domain, input: [...inputs], output: [...outputs], attribute: [...attributes] },
    node: nodes.map(nodeProto),
    opsetImport: [
      { domain: '', version: each.opset ?? 13 },
      ...(each.domains ?? []).map((imported) => ({ domain: imported, version: 1 })),
    ],
  }).finish();
  const values = Object.entries(defaults).map(([attribute, value]) =>
    delimited(11, [...proto.AttributeProto.encode(attributeProto(attribute, value)).finish()]),
  );
  return [...bytes, ...values.flat()];
}

/** A protobuf field that holds a message. */
function delimited(field: number, content: readonly number[]): number[] {
  const varint = (value: number): number[] =>
    value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
  return [...varint(field * 8 + 2), ...varint(content.length), ...content];
}

/** A tensor of a shape with the given elements, repeated as often as needed. */
export function filled(dims: readonly number[], random: () => number, lo = -1, hi = 1): TestTensor {
  const data = Array.from({ length: elementCount(dims) }, () =>
    Math.fround(lo + (hi - lo) * random()),
  );
  return { dims, data };
}
