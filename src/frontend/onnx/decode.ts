/** Bytes of an ONNX file → the model: the only user of onnx-proto. */
import onnxProto from 'onnx-proto';
import type { onnx } from 'onnx-proto';
import { CipherloomError } from '../../errors.ts';
import { printable, quoted } from '../printable.ts';
import { elementTypeName } from './element-types.ts';
import { externalRange, externalReader } from './external-data.ts';
import type { ExternalData, ReadExternal } from './external-data.ts';
import type {
  OnnxAttribute,
  OnnxFunction,
  OnnxModel,
  OnnxNode,
  OnnxTensor,
  OnnxValueInfo,
} from './model.ts';
import { scanModel } from './scan.ts';
import { lazyTensor } from './tensor.ts';
import { fieldsOf } from './wire.ts';

/** An integer as protobufjs gives it: a Long where 64 bits are declared, with or without `long`. */
function toNumber(value: unknown): number {
  if (typeof value === 'number') return value;
  const long = value as { toNumber?: () => number } | null | undefined;
  return long?.toNumber?.() ?? 0;
}

/**
 * Decode a model.
 *
 * Throws MODEL_INVALID naming the file and the byte offset, RESOURCE_LIMIT for files that would
 * need more memory than they are worth. Cost: one scan and one decoding; tensors in raw_data are
 * views of `bytes` until they are read; those outside the file are read from `external` when asked.
 */
export function decodeOnnx(
  bytes: Uint8Array,
  file: string,
  external: ExternalData | null = null,
): OnnxModel {
  scanModel(bytes, file);
  const readExternal = externalReader(external);
  const invalid = (reason: string, hint = 'export or copy the file again'): never => {
    throw new CipherloomError(
      'MODEL_INVALID',
      `not an ONNX model: ${printable(file)}, byte 0: ${reason}`,
      {
        phase: 'frontend',
        details: { file: printable(file), offset: 0, bytes: bytes.length },
        hint,
      },
    );
  };
  // A plain view: protobufjs would treat a Buffer differently.
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const proto = onnxProto.onnx.ModelProto.decode(view);
  const { graph } = proto;
  if (graph === null || graph === undefined)
    return invalid(bytes.length === 0 ? 'the file is empty' : 'it has no graph');
  if (toNumber(proto.irVersion) === 0) invalid('it has no IR version');

  const opsets = decodeOpsets(proto.opsetImport, invalid);
  if (!opsets.has(''))
    invalid('it imports no opset of the default domain', 'export the model again');

  return {
    irVersion: toNumber(proto.irVersion),
    opsets,
    producer: [proto.producerName, proto.producerVersion].filter((part) => part !== '').join(' '),
    documentation: proto.docString,
    metadata: new Map(proto.metadataProps.map(({ key, value }) => [key ?? '', value ?? ''])),
    graph: {
      name: graph.name ?? '',
      nodes: (graph.node ?? []).map((node) => decodeNode(node, readExternal)),
      initializers: [
        ...(graph.initializer ?? []).map((tensor) => decodeTensor(tensor, readExternal)),
        ...(graph.sparseInitializer ?? []).map(decodeSparse),
      ],
      inputs: (graph.input ?? []).map(decodeValueInfo),
      outputs: (graph.output ?? []).map(decodeValueInfo),
      valueInfo: (graph.valueInfo ?? []).map(decodeValueInfo),
    },
    functions: decodeFunctions(proto.functions, view, readExternal, invalid),
  };
}

type Invalid = (reason: string) => never;

function decodeOpsets(
  imports: readonly onnx.IOperatorSetIdProto[],
  invalid: Invalid,
): ReadonlyMap<string, number> {
  const opsets = new Map<string, number>();
  for (const opset of imports) {
    const domain = normalDomain(opset.domain ?? '');
    if (opsets.has(domain)) invalid(`the opset of domain ${quoted(domain)} is imported twice`);
    opsets.set(domain, toNumber(opset.version));
  }
  return opsets;
}

function decodeFunctions(
  functions: readonly onnx.IFunctionProto[],
  bytes: Uint8Array,
  readExternal: ReadExternal,
  invalid: Invalid,
): OnnxFunction[] {
  const known = new Set<string>();
  const messages = fieldsOf(bytes, functionsField);
  return functions.map((each, n) => {
    const name = each.name ?? '';
    const domain = normalDomain(each.domain ?? '');
    if (known.has(`${domain}.${name}`)) {
      invalid(`it defines the function ${quoted(`${domain}.${name}`)} twice`);
    }
    known.add(`${domain}.${name}`);
    // Attributes with defaults are of ONNX 1.13; onnx-proto reads those of 1.10 only.
    const defaults = fieldsOf(messages[n] ?? new Uint8Array(), attributeDefaultsField).map(
      (message) => onnxProto.onnx.AttributeProto.decode(message),
    );
    return {
      name,
      domain,
      inputs: each.input ?? [],
      outputs: each.output ?? [],
      attributes: new Map<string, OnnxAttribute | null>([
        ...(each.attribute ?? []).map((attribute) => [attribute, null] as const),
        ...defaults.map(
          (attribute) => [attribute.name, decodeAttribute(attribute, readExternal)] as const,
        ),
      ]),
      nodes: (each.node ?? []).map((node) => decodeNode(node, readExternal)),
      opsets: decodeOpsets(each.opsetImport ?? [], invalid),
    };
  });
}

/** Numbers of Model.functions and Function.attribute_proto. */
const functionsField = 25;
const attributeDefaultsField = 11;

/** `ai.onnx` is the long name of the default domain. */
function normalDomain(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain;
}

function decodeNode(node: onnx.INodeProto, readExternal: ReadExternal): OnnxNode {
  const attributes = new Map<string, OnnxAttribute>();
  for (const attribute of node.attribute ?? []) {
    const name = attribute.name ?? '';
    if (attributes.has(name)) {
      throw new CipherloomError(
        'MODEL_INVALID',
        `node ${quoted(node.name ?? '')} has the attribute ${quoted(name)} twice`,
        {
          phase: 'frontend',
          node: printable(node.name ?? ''),
        },
      );
    }
    attributes.set(name, decodeAttribute(attribute, readExternal));
  }
  return {
    name: node.name ?? '',
    operator: node.opType ?? '',
    domain: normalDomain(node.domain ?? ''),
    inputs: node.input ?? [],
    outputs: node.output ?? [],
    attributes,
  };
}

function decodeAttribute(
  attribute: onnx.IAttributeProto,
  readExternal: ReadExternal,
): OnnxAttribute {
  const { AttributeType } = onnxProto.onnx.AttributeProto;
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  const { refAttrName } = attribute;
  if (typeof refAttrName === 'string' && refAttrName !== '') {
    return { kind: 'reference', value: refAttrName };
  }
  switch (attribute.type) {
    case AttributeType.FLOAT:
      return { kind: 'float', value: attribute.f ?? 0 };
    case AttributeType.INT:
      return { kind: 'int', value: toNumber(attribute.i) };
    case AttributeType.STRING:
      return { kind: 'string', value: text(attribute.s ?? new Uint8Array()) };
    case AttributeType.FLOATS:
      return { kind: 'floats', value: attribute.floats ?? [] };
    case AttributeType.INTS:
      return { kind: 'ints', value: (attribute.ints ?? []).map(toNumber) };
    case AttributeType.STRINGS:
      return { kind: 'strings', value: (attribute.strings ?? []).map(text) };
    case AttributeType.TENSOR:
      return { kind: 'tensor', value: decodeTensor(attribute.t ?? {}, readExternal) };
    default:
      return {
        kind: 'other',
        value: AttributeType[attribute.type ?? 0]?.toLowerCase() ?? 'unknown',
      };
  }
}

function decodeTensor(tensor: onnx.ITensorProto, readExternal: ReadExternal): OnnxTensor {
  const name = tensor.name ?? '';
  const external = tensor.dataLocation === onnxProto.onnx.TensorProto.DataLocation.EXTERNAL;
  return lazyTensor(
    {
      name,
      dims: (tensor.dims ?? []).map(toNumber),
      dataType: tensor.dataType ?? 0,
      external: external
        ? externalRange(
            name,
            (tensor.externalData ?? []).map(({ key, value }) => ({
              key: key ?? '',
              value: value ?? '',
            })),
          )
        : null,
      raw: tensor.rawData ?? null,
      floats: () => tensor.floatData ?? [],
      doubles: () => tensor.doubleData ?? [],
      int32s: () => tensor.int32Data ?? [],
      int64s: () => (tensor.int64Data ?? []).map(toNumber),
      uint64s: () => (tensor.uint64Data ?? []).map(toNumber),
    },
    readExternal,
  );
}

function decodeSparse(sparse: onnx.ISparseTensorProto): OnnxTensor {
  const name = sparse.values?.name ?? '';
  return {
    name,
    dims: (sparse.dims ?? []).map(toNumber),
    elementType: 'sparse',
    read() {
      throw new CipherloomError('MODEL_UNSUPPORTED', `tensor ${quoted(name)} is sparse`, {
        phase: 'frontend',
        node: printable(name),
        hint: 'store it as a dense initialiser',
      });
    },
  };
}

function decodeValueInfo(info: onnx.IValueInfoProto): OnnxValueInfo {
  const type = info.type?.tensorType ?? null;
  const dims = type?.shape?.dim?.map((dim) =>
    // A oneof: the field that was not sent is null or absent on the prototype.
    Object.hasOwn(dim, 'dimValue') ? toNumber(dim.dimValue) : (dim.dimParam ?? null),
  );
  return {
    name: info.name ?? '',
    elementType: type === null ? null : elementTypeName(type.elemType ?? 0),
    dims: (type?.shape ?? null) === null ? null : (dims ?? []),
  };
}
