/** ONNX → nn program. */
import { CipherloomError } from '../errors.ts';
import type { Warning } from '../errors.ts';
import { buildProgram } from '../ir/build.ts';
import type { ProgramBuilder } from '../ir/build.ts';
import type { Program, ProgramOutput } from '../ir/program.ts';
import { elementCount } from '../layout/layout.ts';
import { orderNodes } from './onnx/check-graph.ts';
import type { NamedNode } from './onnx/check-graph.ts';
import type { NodeValue } from './define-importer.ts';
import { importNode, UnsupportedNode } from './import-node.ts';
import { importerOf } from './importers/index.ts';
import { refusalOf } from './known-operators.ts';
import { inlineFunctions } from './onnx/inline-functions.ts';
import { labelsFromMetadata, rangeFromMetadata } from './onnx/metadata.ts';
import { decodeOnnx } from './onnx/decode.ts';
import type { ExternalData } from './onnx/external-data.ts';
import type { OnnxModel, OnnxValueInfo } from './onnx/model.ts';
import { printable, quoted } from './printable.ts';

export interface ImportOptions {
  /** Name of the program. */
  readonly name: string;
  /** Name of the file in messages; the program's where absent. */
  readonly file?: string;
  /** The files beside the model; tensors that stand there are refused without. */
  readonly external?: ExternalData;
  /** Shapes by input name, for inputs that are not fixed by the model. */
  readonly inputShapes?: Readonly<Record<string, readonly number[]>>;
  /** Bounds of the elements by input name; they win over the model's metadata. */
  readonly inputRanges?: Readonly<Record<string, readonly [number, number]>>;
}

/** Something in a model that cannot be compiled. */
export interface UnsupportedPart {
  /** Name of the node or the input. */
  readonly name: string;
  /** Its ONNX operator; `input`, `output` or `model` for what is no node. */
  readonly operator: string;
  readonly reason: string;
  /** What to do about it, if something can be said. */
  readonly wayOut: string | null;
}

export interface ModelExamination {
  /** Null where something is unsupported. */
  readonly program: Program | null;
  readonly unsupported: readonly UnsupportedPart[];
  readonly warnings: readonly Warning[];
  /** Names of the classes, if the model states them. */
  readonly labels: readonly string[] | null;
  /** The nodes that the outputs depend on, in execution order. */
  readonly operators: readonly { readonly name: string; readonly op: string }[];
}

export interface ImportedModel extends ModelExamination {
  readonly program: Program;
}

const irVersions = { lowest: 3, highest: 12 } as const;
const opsets = { lowest: 6, highest: 24 } as const;
const floats: ReadonlySet<string> = new Set(['float32', 'float64', 'float16', 'bfloat16']);

/**
 * Import a model.
 *
 * Throws MODEL_INVALID for a malformed file, MODEL_UNSUPPORTED once for everything that cannot be
 * compiled (details.nodes lists it), SHAPE_MISMATCH and ATTRIBUTE_INVALID naming the node.
 */
export function importOnnx(bytes: Uint8Array, options: ImportOptions): ImportedModel {
  const { program, ...examination } = examineOnnx(bytes, options);
  if (program === null) throw unsupportedError(examination.unsupported);
  return { program, ...examination };
}

/** Import a model as far as it goes: like importOnnx, but what is unsupported is listed, not thrown. */
export function examineOnnx(bytes: Uint8Array, options: ImportOptions): ModelExamination {
  const model = inlineFunctions(decodeOnnx(bytes, options.file ?? options.name, options.external));
  const nodes = orderNodes(model.graph).filter(({ live }) => live);
  const unsupported = checkVersions(model);
  const warnings: Warning[] = [];
  const builder = buildProgram(options.name);
  const values = importValues(model, bytes.length, nodes, options, builder, unsupported, warnings);

  const outputs: ProgramOutput[] = [];
  for (const { name } of model.graph.outputs) {
    const value = values.get(name);
    if (value?.kind === 'data' && value.quantised !== undefined) {
      const reason = `it is quantised to ${value.quantised.elementType}`;
      const wayOut = 'put DequantizeLinear before the output';
      unsupported.push({ name, operator: 'output', reason, wayOut });
    } else if (value?.kind === 'data') {
      outputs.push({ name, value: value.value, postprocess: [] });
    } else if (value !== undefined) {
      const reason = 'it does not depend on an input';
      unsupported.push({ name, operator: 'output', reason, wayOut: 'remove the output' });
    }
  }
  return {
    program: unsupported.length === 0 ? builder.finish(outputs) : null,
    unsupported,
    warnings,
    labels: labelsFromMetadata(model.metadata),
    operators: nodes.map(({ name, node }) => ({ name, op: printable(node.operator) })),
  };
}

function unsupportedError(parts: readonly UnsupportedPart[]): CipherloomError {
  const lines = parts.map(
    ({ name, operator, reason, wayOut }) =>
      `  ${name} (${operator}): ${reason}${wayOut === null ? '' : ` – ${wayOut}`}`,
  );
  const [first] = parts;
  const message = `${parts.length} ${parts.length === 1 ? 'part' : 'parts'} of the model cannot be compiled:\n${lines.join('\n')}`;
  return new CipherloomError('MODEL_UNSUPPORTED', message, {
    phase: 'frontend',
    node: parts.length === 1 ? first?.name : undefined,
    details: { nodes: parts },
    hint: first?.wayOut ?? 'docs/operators lists the operators that can be compiled',
  });
}

function checkVersions({ irVersion, opsets: imported, graph }: OnnxModel): UnsupportedPart[] {
  const parts: UnsupportedPart[] = [];
  const refuse = (reason: string): void => {
    const wayOut = 'export again with opset_version=17';
    parts.push({ name: 'model', operator: 'model', reason, wayOut });
  };
  if (irVersion < irVersions.lowest || irVersion > irVersions.highest) {
    refuse(
      `it has IR version ${irVersion}, ${irVersions.lowest} to ${irVersions.highest} can be read`,
    );
  }
  const inlined = graph.nodes.flatMap(({ opset }) => opset ?? []);
  for (const opset of new Set([imported.get('') ?? 0, ...inlined])) {
    if (opset < opsets.lowest || opset > opsets.highest) {
      refuse(`it has opset ${opset}, ${opsets.lowest} to ${opsets.highest} can be read`);
    }
  }
  return parts;
}

/** Values by name; undefined for those that an unsupported part makes. */
type Values = Map<string, NodeValue | undefined>;

function importValues(
  model: OnnxModel,
  fileBytes: number,
  nodes: readonly NamedNode[],
  options: ImportOptions,
  builder: ProgramBuilder,
  unsupported: UnsupportedPart[],
  warnings: Warning[],
): Values {
  const { graph } = model;
  const opset = model.opsets.get('') ?? 0;
  const readable = unsupported.length === 0;
  const initializers = new Map(graph.initializers.map((tensor) => [tensor.name, tensor]));
  const values: Values = new Map();
  const inputs = graph.inputs.filter(({ name }) => !initializers.has(name));
  checkOptionNames(options, inputs);
  for (const input of inputs) {
    const value = importInput(input, model, options, builder, unsupported, warnings);
    values.set(input.name, value ?? undefined);
  }
  const spare = foldingAllowance();
  // Matrices (copies, edges of images, resizing): an entry takes 12 bytes, and time whenever the
  // model is looked at. A chain of small nodes would ask for any number of them.
  const matrixEntries = { count: 0, limit: 2 ** 23 + 2 * fileBytes };
  const valueOf = (name: string): NodeValue | undefined => {
    const initializer = initializers.get(name);
    if (initializer !== undefined && !values.has(name)) {
      const constant = { kind: 'constant', ...initializer.read() } as const;
      values.set(name, constant);
      spare.stored(constant);
    }
    return values.get(name);
  };
  const stated = new Map(graph.valueInfo.map((info) => [info.name, info]));
  const used = new Set([
    ...nodes.flatMap(({ node }) => node.inputs),
    ...graph.outputs.map(({ name }) => name),
  ]);

  const quantisers: string[] = [];
  for (const { node, name } of nodes) {
    const assign = (valueAt: (output: string, n: number) => NodeValue | undefined): void => {
      node.outputs.forEach((output, n) => values.set(output, valueAt(output, n)));
    };
    const standIns = (): void => {
      assign((output) => placeholder(stated.get(output), builder));
    };
    const refuse = (reason: string, wayOut: string | null): void => {
      unsupported.push({ name, operator: printable(operatorName(node)), reason, wayOut });
      // Go on behind the node where the file states the shapes of its results.
      standIns();
    };
    const importer = node.domain === '' ? importerOf(node.operator) : undefined;
    if (importer === undefined) {
      const refusal = refusalOf(node.operator, node.domain);
      refuse(refusal.reason, refusal.wayOut);
      continue;
    }
    try {
      const known = node.inputs.every((input) => input === '' || valueOf(input) !== undefined);
      if (!readable || !known) {
        standIns();
        continue;
      }
      const given = node.inputs.map((input) => (input === '' ? undefined : valueOf(input)));
      const results = importNode(
        {
          ...{ node, name, importer, inputs: given, spareElements: spare.left(), matrixEntries },
          opset: node.opset ?? opset,
        },
        builder,
      );
      results.forEach(node.inputs.length === 0 ? spare.stored : spare.made);
      const extra = node.outputs.findIndex(
        (each, n) => n >= results.length && each !== '' && used.has(each),
      );
      if (extra > 0) {
        refuse(
          `its output ${extra + 1}, ${quoted(node.outputs[extra]!)}, is used`,
          results.length === 1
            ? 'use its first output alone'
            : `use its first ${results.length} outputs alone`,
        );
      } else {
        assign((_, n) => results[n]);
        if (results.some((result) => result.kind === 'data' && result.quantised !== undefined))
          quantisers.push(name);
      }
    } catch (error) {
      if (error instanceof UnsupportedNode) {
        refuse(error.reason, error.wayOut);
      } else if (error instanceof CipherloomError && error.code === 'MODEL_UNSUPPORTED') {
        refuse(error.message, error.hint);
      } else if (
        unsupported.length > 0 &&
        error instanceof CipherloomError &&
        error.code === 'SHAPE_MISMATCH'
      ) {
        // Behind an unsupported node a stated shape may be wrong: what is wrong is in the list already.
        assign(() => undefined);
      } else {
        throw error;
      }
    }
  }
  for (const { name } of graph.outputs) valueOf(name);
  if (quantisers.length > 0) warnings.push(quantisationIgnored(quantisers));
  return values;
}

/** Elements that nodes may make of constants: 32 MB, and four times what the file itself holds. */
function foldingAllowance() {
  let left = 2 ** 22;
  const counted = new WeakSet<Float64Array>();
  const count = (value: NodeValue, factor: number): void => {
    if (value.kind === 'data' || counted.has(value.tensor.data)) return;
    counted.add(value.tensor.data);
    left += factor * value.tensor.data.length;
  };
  const stored = (value: NodeValue): void => {
    count(value, 4);
  };
  const made = (value: NodeValue): void => {
    count(value, -1);
  };
  return { left: () => left, stored, made };
}

/** How many nodes a warning names. */
const namedNodes = 8;

function quantisationIgnored(nodes: readonly string[]): Warning {
  const [first = ''] = nodes;
  const rest = nodes.length - namedNodes;
  const names = `${nodes.slice(0, namedNodes).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
  return {
    id: 'ACTIVATION_QUANTISATION_IGNORED',
    message: `activations are neither rounded nor clipped, as ${names} would`,
    node: first,
  };
}

function operatorName({
  domain,
  operator,
}: {
  readonly domain: string;
  readonly operator: string;
}): string {
  return domain === '' ? operator : `${domain}.${operator}`;
}

/** A value of a stated shape in the place of one that cannot be made; nothing of it reaches a program. */
function placeholder(
  info: OnnxValueInfo | undefined,
  builder: ProgramBuilder,
): NodeValue | undefined {
  const dims = info?.dims?.map((dim, axis) => (axis === 0 && typeof dim !== 'number' ? 1 : dim));
  if (
    info === undefined ||
    dims === undefined ||
    info.elementType === null ||
    !floats.has(info.elementType)
  ) {
    return undefined;
  }
  if (!dims.every((dim): dim is number => typeof dim === 'number' && dim >= 1)) return undefined;
  if (elementCount(dims) > maxInputElements) return undefined;
  const value = builder.add('nn.input', [], { name: info.name, shape: dims, range: [0, 1] });
  return { kind: 'data', value, shape: dims };
}

function checkOptionNames(options: ImportOptions, inputs: readonly OnnxValueInfo[]): void {
  const names = new Set(inputs.map(({ name }) => name));
  const given = [
    ...Object.keys(options.inputShapes ?? {}),
    ...Object.keys(options.inputRanges ?? {}),
  ];
  const unknown = given.find((name) => !names.has(name));
  if (unknown !== undefined) {
    throw new CipherloomError('USAGE', `the model has no input ${quoted(unknown)}`, {
      phase: 'frontend',
      details: { inputs: [...names].map(printable) },
      hint: `its inputs: ${[...names].map(printable).join(', ')}`,
    });
  }
}

/** A graph input, or null where it is unsupported (and listed). */
function importInput(
  input: OnnxValueInfo,
  model: OnnxModel,
  options: ImportOptions,
  builder: ProgramBuilder,
  unsupported: UnsupportedPart[],
  warnings: Warning[],
): NodeValue | null {
  const { name, elementType } = input;
  const refuse = (reason: string, wayOut: string): null => {
    unsupported.push({ name, operator: 'input', reason, wayOut });
    return null;
  };
  if (elementType === null || !floats.has(elementType)) {
    const reason = `it is ${elementType === null ? 'no tensor' : `a tensor of ${elementType}`}`;
    return refuse(reason, 'export the model with float32 inputs');
  }
  const shape = inputShape(input, options);
  if (typeof shape === 'string') {
    const template = input.dims?.map((dim, k) =>
      k === 0 ? 1 : typeof dim === 'number' ? dim : 'N',
    ) ?? ['1', 'N'];
    return refuse(shape, `give it with --input-shape ${name}=${template.join(',')}`);
  }
  const given = Object.hasOwn(options.inputRanges ?? {}, name)
    ? options.inputRanges?.[name]
    : undefined;
  if (
    given !== undefined &&
    !(Number.isFinite(given[0]) && Number.isFinite(given[1]) && given[0] <= given[1])
  ) {
    throw new CipherloomError('USAGE', `the range of ${quoted(name)} is [${given.join(', ')}]`, {
      phase: 'frontend',
      node: name,
      hint: 'give two finite numbers, the lower one first: --input-range 0,1',
    });
  }
  const range = given ?? rangeFromMetadata(model.metadata, name);
  if (range === null) {
    warnings.push({
      id: 'INPUT_RANGE_ASSUMED',
      message: `the range of the input ${quoted(name)} is not known; [0, 1] is assumed: give --input-range LO,HI`,
      node: name,
    });
  }
  const value = builder.add(
    'nn.input',
    [],
    { name, shape, range: range ?? [0, 1] },
    { location: name },
  );
  return { kind: 'data', value, shape };
}

/** The shape of an input, or why there is none. Throws SHAPE_MISMATCH and RESOURCE_LIMIT. */
function inputShape(input: OnnxValueInfo, options: ImportOptions): readonly number[] | string {
  const { name, dims } = input;
  const given = Object.hasOwn(options.inputShapes ?? {}, name)
    ? options.inputShapes?.[name]
    : undefined;
  if (given === undefined && dims === null) return 'its rank is not known';
  const text =
    dims
      ?.map((dim) => (typeof dim === 'string' ? printable(dim) || '?' : (dim ?? '?')))
      .join(',') ?? '?';
  if (given !== undefined && dims !== null) {
    const fits =
      given.length === dims.length &&
      dims.every((dim, axis) => typeof dim !== 'number' || dim < 1 || dim === given[axis]);
    if (!fits) {
      throw new CipherloomError(
        'SHAPE_MISMATCH',
        `the input ${quoted(name)} is [${text}], not [${given.join(',')}]`,
        {
          phase: 'frontend',
          node: name,
          details: { model: dims, given },
          hint: `--input-shape ${name}=${dims.map((dim) => (typeof dim === 'number' ? dim : 1)).join(',')}`,
        },
      );
    }
  }
  const shape =
    given ?? dims?.map((dim, axis) => (axis === 0 && typeof dim !== 'number' ? 1 : dim)) ?? [];
  const fixed: number[] = [];
  let elements = 1;
  for (const [axis, extent] of shape.entries()) {
    if (typeof extent !== 'number' || extent === 0)
      return `axis ${axis} of its shape [${text}] is not fixed`;
    if (!Number.isSafeInteger(extent) || extent < 0) {
      throw new CipherloomError(
        'MODEL_INVALID',
        `the input ${quoted(name)} has the shape [${text}]`,
        {
          phase: 'frontend',
          node: name,
          details: { shape },
        },
      );
    }
    elements *= extent;
    fixed.push(extent);
  }
  if (elements > maxInputElements) {
    throw new CipherloomError(
      'RESOURCE_LIMIT',
      `the input ${quoted(name)} has ${elements} elements, the limit is ${maxInputElements}`,
      {
        phase: 'frontend',
        node: name,
        details: { elements, limit: maxInputElements },
      },
    );
  }
  return fixed;
}

/** 2^24 elements fill 2^9 ciphertexts of the largest ring: gigabytes for one image. */
const maxInputElements = 2 ** 24;
