/**
 * Wire form of the messages of an ONNX file: what the scan needs to know before anything is decoded.
 *
 * Field numbers from onnx.proto (ONNX 1.10, the version that onnx-proto decodes). Fields of later
 * versions are skipped by their wire type, by the scan and by the decoder alike.
 */

/** Encoding of a field. A message is named; `packed …` fields may also come one by one. */
export type FieldKind =
  | 'int32'
  | 'int64'
  | 'fixed32'
  | 'bytes'
  | 'packed int32'
  | 'packed int64'
  | 'packed fixed32'
  | 'packed fixed64'
  | MessageName;

export interface Field {
  readonly name: string;
  readonly kind: FieldKind;
}

const names = [
  'Model',
  'Graph',
  'Node',
  'Attribute',
  'Tensor',
  'Segment',
  'SparseTensor',
  'ValueInfo',
  'Type',
  'TensorType',
  'SequenceType',
  'MapType',
  'OptionalType',
  'Shape',
  'Dimension',
  'OperatorSet',
  'StringPair',
  'Annotation',
  'Training',
  'Function',
] as const;

export type MessageName = (typeof names)[number];

const messageNames: ReadonlySet<string> = new Set(names);

export function isMessage(kind: FieldKind): kind is MessageName {
  return messageNames.has(kind);
}

type Fields = Readonly<Record<number, readonly [string, FieldKind]>>;

const typeFields: Fields = { 1: ['elem_type', 'int32'], 2: ['shape', 'Shape'] };

const table: Readonly<Record<MessageName, Fields>> = {
  Model: {
    1: ['ir_version', 'int64'],
    2: ['producer_name', 'bytes'],
    3: ['producer_version', 'bytes'],
    4: ['domain', 'bytes'],
    5: ['model_version', 'int64'],
    6: ['doc_string', 'bytes'],
    7: ['graph', 'Graph'],
    8: ['opset_import', 'OperatorSet'],
    14: ['metadata_props', 'StringPair'],
    20: ['training_info', 'Training'],
    25: ['functions', 'Function'],
  },
  Graph: {
    1: ['node', 'Node'],
    2: ['name', 'bytes'],
    5: ['initializer', 'Tensor'],
    10: ['doc_string', 'bytes'],
    11: ['input', 'ValueInfo'],
    12: ['output', 'ValueInfo'],
    13: ['value_info', 'ValueInfo'],
    14: ['quantization_annotation', 'Annotation'],
    15: ['sparse_initializer', 'SparseTensor'],
  },
  Node: {
    1: ['input', 'bytes'],
    2: ['output', 'bytes'],
    3: ['name', 'bytes'],
    4: ['op_type', 'bytes'],
    5: ['attribute', 'Attribute'],
    6: ['doc_string', 'bytes'],
    7: ['domain', 'bytes'],
  },
  Attribute: {
    1: ['name', 'bytes'],
    2: ['f', 'fixed32'],
    3: ['i', 'int64'],
    4: ['s', 'bytes'],
    5: ['t', 'Tensor'],
    6: ['g', 'Graph'],
    7: ['floats', 'packed fixed32'],
    8: ['ints', 'packed int64'],
    9: ['strings', 'bytes'],
    10: ['tensors', 'Tensor'],
    11: ['graphs', 'Graph'],
    13: ['doc_string', 'bytes'],
    14: ['tp', 'Type'],
    15: ['type_protos', 'Type'],
    20: ['type', 'int32'],
    21: ['ref_attr_name', 'bytes'],
    22: ['sparse_tensor', 'SparseTensor'],
    23: ['sparse_tensors', 'SparseTensor'],
  },
  Tensor: {
    1: ['dims', 'packed int64'],
    2: ['data_type', 'int32'],
    3: ['segment', 'Segment'],
    4: ['float_data', 'packed fixed32'],
    5: ['int32_data', 'packed int32'],
    6: ['string_data', 'bytes'],
    7: ['int64_data', 'packed int64'],
    8: ['name', 'bytes'],
    9: ['raw_data', 'bytes'],
    10: ['double_data', 'packed fixed64'],
    11: ['uint64_data', 'packed int64'],
    12: ['doc_string', 'bytes'],
    13: ['external_data', 'StringPair'],
    14: ['data_location', 'int32'],
  },
  Segment: { 1: ['begin', 'int64'], 2: ['end', 'int64'] },
  SparseTensor: {
    1: ['values', 'Tensor'],
    2: ['indices', 'Tensor'],
    3: ['dims', 'packed int64'],
  },
  ValueInfo: { 1: ['name', 'bytes'], 2: ['type', 'Type'], 3: ['doc_string', 'bytes'] },
  Type: {
    1: ['tensor_type', 'TensorType'],
    4: ['sequence_type', 'SequenceType'],
    5: ['map_type', 'MapType'],
    6: ['denotation', 'bytes'],
    8: ['sparse_tensor_type', 'TensorType'],
    9: ['optional_type', 'OptionalType'],
  },
  TensorType: typeFields,
  SequenceType: { 1: ['elem_type', 'Type'] },
  MapType: { 1: ['key_type', 'int32'], 2: ['value_type', 'Type'] },
  OptionalType: { 1: ['elem_type', 'Type'] },
  Shape: { 1: ['dim', 'Dimension'] },
  Dimension: {
    1: ['dim_value', 'int64'],
    2: ['dim_param', 'bytes'],
    3: ['denotation', 'bytes'],
  },
  OperatorSet: { 1: ['domain', 'bytes'], 2: ['version', 'int64'] },
  StringPair: { 1: ['key', 'bytes'], 2: ['value', 'bytes'] },
  Annotation: {
    1: ['tensor_name', 'bytes'],
    2: ['quant_parameter_tensor_names', 'StringPair'],
  },
  Training: {
    1: ['initialization', 'Graph'],
    2: ['algorithm', 'Graph'],
    3: ['initialization_binding', 'StringPair'],
    4: ['update_binding', 'StringPair'],
  },
  Function: {
    1: ['name', 'bytes'],
    4: ['input', 'bytes'],
    5: ['output', 'bytes'],
    6: ['attribute', 'bytes'],
    7: ['node', 'Node'],
    8: ['doc_string', 'bytes'],
    9: ['opset_import', 'OperatorSet'],
    10: ['domain', 'bytes'],
    // Of ONNX 1.13: the decoder skips it, wire.ts finds it.
    11: ['attribute_proto', 'Attribute'],
  },
};

const fields = new Map(
  names.map((message) => [
    message,
    new Map(
      Object.entries(table[message]).map(([number, [name, kind]]): [number, Field] => [
        Number(number),
        { name, kind },
      ]),
    ),
  ]),
);

/** The field of a message with this number, if version 1.10 has it. */
export function fieldOf(message: MessageName, number: number): Field | undefined {
  return fields.get(message)?.get(number);
}
