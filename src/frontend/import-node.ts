/** One node: inputs and attributes checked against the importer's declaration, then imported. */
import { CipherloomError, invariant } from '../errors.ts';
import { buildProgram } from '../ir/build.ts';
import type { ProgramBuilder } from '../ir/build.ts';
import { interpret } from '../ir/interpret.ts';
import { shapeOf } from '../ir/types.ts';
import { elementCount } from '../layout/layout.ts';
import { checkFinite } from './check-finite.ts';
import type {
  ConstantValue,
  DataValue,
  ImportContext,
  Importer,
  InputSpec,
  NodeValue,
} from './define-importer.ts';
import { alignedOperand, oldBroadcast } from './families/old-broadcast.ts';
import type { OnnxNode } from './onnx/model.ts';
import { printable, quoted } from './printable.ts';

/** Thrown through an importer; ends at the list of unsupported nodes. */
export class UnsupportedNode extends Error {
  readonly reason: string;
  readonly wayOut: string | null;

  constructor(reason: string, wayOut: string | null) {
    super(reason);
    this.reason = reason;
    this.wayOut = wayOut;
  }
}

export interface NodeToImport {
  readonly node: OnnxNode;
  readonly name: string;
  readonly importer: Importer;
  readonly opset: number;
  readonly inputs: readonly (NodeValue | undefined)[];
  /** Elements that may still be made of constants, for the whole model. */
  readonly spareElements: number;
  /** Entries of the matrices of the whole model so far, counted here, and how many there may be. */
  readonly matrixEntries?: { count: number; readonly limit: number };
}

/** Elements of an encrypted value: 2^24 fill 2^9 ciphertexts of the largest ring. */
export const maxEncryptedElements = 2 ** 24;

/**
 * Import a node, at compile time where all its inputs are constant; the values are in the order of
 * its outputs.
 *
 * Throws UnsupportedNode, MODEL_INVALID, ATTRIBUTE_INVALID and what the operations it becomes throw.
 */
export function importNode(request: NodeToImport, builder: ProgramBuilder): readonly NodeValue[] {
  const { importer, inputs, name, node } = request;
  checkInputs(request);
  const given = inputs.filter((input) => input !== undefined);
  if (given.length === 0 || !given.every((input) => input.kind === 'constant')) {
    inputs.forEach((input, index) => {
      const spec = specOf(importer, index);
      if (input?.kind === 'data' && spec?.form === 'constant') {
        throw new UnsupportedNode(
          importer.refusal?.reason ?? `its input ${spec.name} depends on the encrypted input`,
          importer.refusal?.wayOut ?? 'make it a constant (an initialiser)',
        );
      }
      if (input?.kind === 'data' && input.quantised !== undefined && spec?.quantised !== true) {
        throw new UnsupportedNode(
          `its input ${spec?.name ?? index} is quantised to ${input.quantised.elementType}`,
          'export in the QDQ format: DequantizeLinear behind every QuantizeLinear',
        );
      }
      if (input?.kind === 'constant' && spec?.infinite !== true)
        checkFinite(input.tensor, node.inputs[index] ?? name);
    });
    return listed(importer.import(contextOf(request, builder, maxEncryptedElements)));
  }
  // What is as large as what was there before takes no more than the file already does.
  const limit = Math.max(request.spareElements, ...given.map(({ tensor }) => tensor.data.length));
  if (importer.fold !== undefined) return listed(importer.fold(contextOf(request, builder, limit)));

  // Run the importer on a program of its own, with one constant as data, and interpret it.
  const at = inputs.findIndex(
    (input, index) => input !== undefined && specOf(importer, index)?.form !== 'constant',
  );
  const chosen = inputs[at];
  if (chosen?.kind !== 'constant') throw new UnsupportedNode('it has no data', null);
  const { tensor, elementType } = chosen;
  if (tensor.data.length === 0) throw new UnsupportedNode('it works on an empty tensor', null);
  const scratch = buildProgram(name);
  // Infinities (masks) are no bounds.
  const range = [
    tensor.data.reduce((a, b) => Math.min(a, Math.max(b, -Number.MAX_VALUE)), Infinity),
    tensor.data.reduce((a, b) => Math.max(a, Math.min(b, Number.MAX_VALUE)), -Infinity),
  ];
  const value = scratch.add('nn.input', [], { name: 'x', shape: tensor.shape, range });
  const data: DataValue = { kind: 'data', value, shape: tensor.shape };
  const context = contextOf({ ...request, inputs: inputs.with(at, data) }, scratch, limit);
  const results = listed(importer.import(context));
  const program = scratch.finish(
    results.flatMap((result, n) =>
      result.kind === 'data' ? [{ name: `y${n}`, value: result.value, postprocess: [] }] : [],
    ),
  );
  for (const { type } of program.operations) context.elements(shapeOf(type));
  const folded = interpret(program, new Map([['x', { kind: 'tensor', tensor }]]));
  return results.map((result, n) => {
    if (result.kind === 'constant') return result;
    const output = folded.get(`y${n}`);
    invariant(output?.kind === 'tensor', 'nn programs compute tensors');
    return { kind: 'constant', tensor: output.tensor, elementType };
  });
}

function listed<T extends NodeValue>(values: T | readonly T[]): readonly T[] {
  return 'kind' in values ? [values] : values;
}

function specOf(importer: Importer, index: number): InputSpec | undefined {
  return (
    importer.inputs[index] ?? (importer.variadic === true ? importer.inputs.at(-1) : undefined)
  );
}

function checkInputs({ importer, inputs, opset, name }: NodeToImport): void {
  const fail = (message: string): never => {
    throw new CipherloomError(
      'MODEL_INVALID',
      `${quoted(name)} (${importer.operator}): ${message}`,
      {
        phase: 'frontend',
        node: name,
        details: { operator: importer.operator, opset, inputs: inputs.length },
      },
    );
  };
  inputs.forEach((input, index) => {
    const spec = specOf(importer, index);
    if (spec === undefined) {
      fail(`it has ${inputs.length} inputs, the operator takes ${importer.inputs.length}`);
    } else if (input !== undefined && spec.since !== undefined && opset < spec.since) {
      fail(`the input ${spec.name} exists since opset ${spec.since}, the model has opset ${opset}`);
    }
  });
  importer.inputs.forEach((spec, index) => {
    if (spec.optional !== true && inputs[index] === undefined)
      fail(`the input ${spec.name} is missing`);
  });
}

function parseAttributes({ node, importer, opset, name }: NodeToImport): Record<string, unknown> {
  const fail = (attribute: string, message: string): never => {
    throw new CipherloomError(
      'ATTRIBUTE_INVALID',
      `${quoted(name)} (${importer.operator}): the attribute ${quoted(attribute)} ${message}`,
      {
        phase: 'frontend',
        node: name,
        details: { operator: importer.operator, attribute: printable(attribute), opset },
        hint: `docs/operators/${importer.operator}.md lists the attributes`,
      },
    );
  };
  const specs = new Map(Object.entries(importer.attributes));
  for (const [attribute, { kind }] of node.attributes) {
    const spec = specs.get(attribute);
    if (spec === undefined) return fail(attribute, 'is not known');
    if (spec.since !== undefined && opset < spec.since) {
      fail(attribute, `exists since opset ${spec.since}, the model has opset ${opset}`);
    }
    if (spec.until !== undefined && opset > spec.until) {
      fail(attribute, `exists until opset ${spec.until}, the model has opset ${opset}`);
    }
    if (kind === 'reference') fail(attribute, 'refers to an attribute of no function');
    if (kind === 'other') fail(attribute, 'is a graph, a type or a sparse tensor');
  }
  const values: [string, unknown][] = [];
  for (const [attribute, spec] of specs) {
    const parsed = spec.schema.safeParse(node.attributes.get(attribute)?.value);
    if (!parsed.success) {
      fail(
        attribute,
        node.attributes.has(attribute)
          ? (parsed.error.issues[0]?.message ?? 'is invalid')
          : 'is missing',
      );
    }
    values.push([attribute, parsed.data]);
  }
  return Object.fromEntries(values);
}

function contextOf(
  request: NodeToImport,
  builder: ProgramBuilder,
  maxElements: number,
): ImportContext {
  const { name, opset, importer } = request;
  const attributes = parseAttributes(request);
  const invalid: ImportContext['invalid'] = (reason, details = {}) => {
    throw new CipherloomError(
      'MODEL_INVALID',
      `${quoted(name)} (${importer.operator}): ${reason}`,
      {
        phase: 'frontend',
        node: name,
        details: { operator: importer.operator, ...details },
      },
    );
  };
  const inputs =
    opset <= oldBroadcast.until && importer.attributes['axis'] === oldBroadcast.attributes.axis
      ? request.inputs.with(1, alignedOperand(request.inputs, attributes, builder, invalid))
      : request.inputs;
  const tooLarge: ImportContext['tooLarge'] = (reason, size, limit) => {
    throw new CipherloomError(
      'RESOURCE_LIMIT',
      `${quoted(name)} (${importer.operator}): ${reason}, the limit is ${limit}`,
      {
        phase: 'frontend',
        node: name,
        details: { operator: importer.operator, size, limit },
        hint: 'check the shapes that the model states; no flag raises the limit',
      },
    );
  };
  const data = (index: number): DataValue => {
    const input = inputs[index];
    invariant(input?.kind === 'data', `${importer.operator}: input ${index} is not data`);
    return input;
  };
  const constant = (index: number): ConstantValue => {
    const input = inputs[index];
    invariant(input?.kind === 'constant', `${importer.operator}: input ${index} is not constant`);
    return input;
  };
  return {
    name,
    opset,
    attributes,
    inputs,
    outputCount: request.node.outputs.length,
    data,
    constant,
    optionalConstant: (index) => (inputs[index] === undefined ? null : constant(index)),
    rangeOf: (x) => builder.typeOf(x.value).range,
    add(op, operands, attributes = {}) {
      const ids = operands.map((operand) => operand.value);
      const value = builder.add(op, ids, attributes, { location: name });
      return { kind: 'data', value, shape: shapeOf(builder.typeOf(value)) };
    },
    reference: (value, hint) => builder.constant(value, hint),
    elements(shape) {
      const elements = elementCount(shape);
      if (elements > maxElements) {
        tooLarge(`its result [${shape.join(',')}] has ${elements} elements`, elements, maxElements);
      }
      return elements;
    },
    entries(count) {
      const all = request.matrixEntries;
      if (all === undefined) return;
      all.count += count;
      if (all.count > all.limit) {
        const reason = `with its matrix, those of the model have ${all.count} entries`;
        tooLarge(reason, all.count, all.limit);
      }
    },
    tooLarge,
    unsupported(reason, wayOut) {
      throw new UnsupportedNode(reason, wayOut ?? null);
    },
    invalid,
  };
}
