/**
 * One conformance case through the importers and the interpreter, in every way that it can be run.
 *
 * A case says nothing about what is encrypted. So each of its float inputs is encrypted alone, all
 * of them together, and none: the inputs that are not become constants of the model. A way that the
 * compiler refuses is skipped with the reason; a wrong answer, or an error of any other kind, fails.
 */
import onnxProto from 'onnx-proto';
import type { onnx } from 'onnx-proto';
import { CipherloomError, exitStatus } from '../../src/errors.ts';
import { importOnnx } from '../../src/frontend/import-onnx.ts';
import type { UnsupportedPart } from '../../src/frontend/import-onnx.ts';
import { importers } from '../../src/frontend/importers/index.ts';
import { interpret } from '../../src/ir/interpret.ts';
import { tensorBounds } from '../../src/ir/tensor.ts';
import type { Tensor } from '../../src/ir/tensor.ts';
import { verify } from '../../src/ir/verify.ts';
import { isFloat, tensorOf } from './backend-cases.ts';
import type { BackendCase, CaseTensor, DataSet } from './backend-cases.ts';

const { ModelProto, AttributeProto, TensorProto } = onnxProto.onnx;

/** `numpy.testing.assert_allclose` with the suite's own tolerances (onnx.backend.test.case). */
const rtol = 1e-3;
const atol = 1e-7;
/** One unit in the last place of a bfloat16: a cast of an encrypted value cannot round it. */
const rtolBfloat16 = 2 ** -7;
const largestFloat32 = 2 ** 128 - 2 ** 104;

/** Cases that nothing can pass, with the reason. */
const wrongCases = new Map([
  [
    'node/test_averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_True',
    'its expected output divides the partial last windows by the whole kernel, against the text of the operator; ONNX Runtime follows the text',
  ],
]);

export type WayOutcome =
  | { readonly status: 'passed' }
  | { readonly status: 'skipped'; readonly operator: string; readonly reason: string }
  | { readonly status: 'failed'; readonly reason: string };

/** What became of one choice of encrypted inputs. */
export interface Way {
  /** Names of the encrypted inputs; none: everything is folded at compile time. */
  readonly encrypted: readonly string[];
  readonly outcome: WayOutcome;
}

export interface CaseOutcome {
  readonly title: string;
  readonly operators: readonly string[];
  /** Whether it touches the float forms of supported operators alone. */
  readonly supportedFloat: boolean;
  /**
   * `passed`: some way with an encrypted input gives the expected outputs, or the case has no input
   * that could be encrypted and is folded; `folded`: only with every input constant.
   */
  readonly status: 'passed' | 'folded' | 'skipped' | 'failed';
  readonly ways: readonly Way[];
}

const importerOf = new Map(importers.map((importer) => [importer.operator, importer]));

/** Run a case in every way. Never throws for a fault of the case or of the compiler. */
export function runCase(backendCase: BackendCase): CaseOutcome {
  const { title, model, dataSets } = backendCase;
  const nodes = model.graph?.node ?? [];
  const wrong = wrongCases.get(title);
  const ways = waysOf(dataSets[0]).map((encrypted): Way => {
    if (wrong !== undefined) {
      const operator = nodes[0]?.opType ?? '';
      return { encrypted, outcome: { status: 'skipped', operator, reason: wrong } };
    }
    const outcomes = dataSets.map((set) => attempt(backendCase, set, encrypted));
    const worst = outcomes.find(({ status }) => status === 'failed');
    const skipped = outcomes.find(({ status }) => status === 'skipped');
    return { encrypted, outcome: worst ?? skipped ?? { status: 'passed' } };
  });
  const has = (status: WayOutcome['status'], folded: boolean): boolean =>
    ways.some((way) => way.outcome.status === status && (way.encrypted.length === 0) === folded);
  const encryptable = ways.some(({ encrypted }) => encrypted.length > 0);
  const status = ways.some(({ outcome }) => outcome.status === 'failed')
    ? 'failed'
    : has('passed', false) || (!encryptable && has('passed', true))
      ? 'passed'
      : has('passed', true)
        ? 'folded'
        : 'skipped';
  return {
    title,
    operators: [...new Set(nodes.map(operatorName))].sort(),
    supportedFloat: touchesSupportedFloatsOnly(backendCase),
    status,
    ways,
  };
}

function operatorName({ domain, opType }: onnx.INodeProto): string {
  return (domain ?? '') === '' || domain === 'ai.onnx'
    ? (opType ?? '')
    : `${domain ?? ''}.${opType ?? ''}`;
}

/** Sets of encrypted inputs: all floats, each alone, none. */
function waysOf(set: DataSet | undefined): string[][] {
  const names = set?.inputs.filter(({ proto }) => isFloat(proto)).map(({ name }) => name) ?? [];
  return [...(names.length > 1 ? [names] : []), ...names.map((name) => [name]), []];
}

/**
 * Every operator has an importer, every output is a float, and so is every input except where the
 * importer asks for a constant (a shape, axes, indices).
 */
function touchesSupportedFloatsOnly({ model, dataSets }: BackendCase): boolean {
  const nodes = model.graph?.node ?? [];
  const [set] = dataSets;
  if (set === undefined || !nodes.every((node) => importerOf.has(operatorName(node)))) return false;
  const onlyConstant = (name: string): boolean =>
    nodes.every((node) =>
      (node.input ?? []).every((input, n) => {
        if (input !== name) return true;
        const specs = importerOf.get(operatorName(node))?.inputs ?? [];
        return (specs[n] ?? specs.at(-1))?.form === 'constant';
      }),
    );
  return (
    set.outputs.every(({ proto }) => isFloat(proto)) &&
    set.inputs.every(({ proto, name }) => isFloat(proto) || (proto !== null && onlyConstant(name)))
  );
}

function attempt(
  { title, model }: BackendCase,
  set: DataSet,
  encrypted: readonly string[],
): WayOutcome {
  const lacking = [...set.inputs, ...set.outputs].find(({ proto }) => proto === null);
  if (lacking !== undefined) {
    const reason = 'the case has a sequence, an optional value or no data in the place of a tensor';
    return { status: 'skipped', operator: model.graph?.node?.[0]?.opType ?? '', reason };
  }
  const expected = set.outputs.map(({ name, proto }) => ({
    name,
    tensor: tensorOf(proto!),
    tolerance: proto?.dataType === TensorProto.DataType.BFLOAT16 ? rtolBfloat16 : rtol,
  }));
  const unread = set.outputs.find((_, n) => expected[n]?.tensor === null);
  if (unread !== undefined) {
    const type = TensorProto.DataType[unread.proto?.dataType ?? 0] ?? 'eight-bit floats';
    const reason = `its expected output is a tensor of ${type.toLowerCase()}`;
    return { status: 'skipped', operator: model.graph?.node?.[0]?.opType ?? '', reason };
  }
  const data = set.inputs.filter(({ name }) => encrypted.includes(name));
  const constants = set.inputs.filter(({ name }) => !encrypted.includes(name));
  const folded = encrypted.length === 0 ? set.outputs : [];
  if ([...constants, ...folded].some(({ proto }) => isStrange(proto!))) {
    const reason = 'a constant would hold NaN, infinity or more than float32 can, which none may';
    return { status: 'skipped', operator: 'constant', reason };
  }
  try {
    const { bytes, inputs } = prepared(model, set, data);
    const { program } = importOnnx(bytes, {
      name: title,
      inputRanges: Object.fromEntries(
        [...inputs]
          .filter(([, { data: values }]) => values.every(Number.isFinite) && values.length > 0)
          .map(([name, tensor]) => [name, tensorBounds(tensor)]),
      ),
    });
    verify(program);
    const values = new Map(
      [...inputs].map(([name, tensor]) => [name, { kind: 'tensor', tensor } as const]),
    );
    const outputs = interpret(program, values);
    for (const { name, tensor, tolerance } of expected) {
      const value = outputs.get(name);
      if (value?.kind !== 'tensor') return failed(`the output ${name} is missing`);
      const difference = differenceOf(value.tensor, tensor!, tolerance);
      if (difference !== null) return failed(`the output ${name} ${difference}`);
    }
    return { status: 'passed' };
  } catch (error) {
    return refusalOf(error);
  }
}

function isStrange(proto: onnx.ITensorProto): boolean {
  return tensorOf(proto)?.data.every((value) => Math.abs(value) <= largestFloat32) === false;
}

const failed = (reason: string): WayOutcome => ({ status: 'failed', reason });

/** A refusal by name is a skip; every other error is a fault, for the cases are valid models. */
function refusalOf(error: unknown): WayOutcome {
  if (!(error instanceof CipherloomError)) {
    return failed(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  if (error.exit !== exitStatus.cannotCompile) return failed(`${error.code}: ${error.message}`);
  const parts = error.details['nodes'] as readonly UnsupportedPart[] | undefined;
  const [first] = parts ?? [];
  return {
    status: 'skipped',
    operator: first?.operator ?? error.code,
    reason: first?.reason ?? error.message,
  };
}

/** The model with all inputs but the encrypted ones as initialisers. */
function prepared(
  model: onnx.IModelProto,
  set: DataSet,
  data: readonly CaseTensor[],
): { readonly bytes: Uint8Array; readonly inputs: Map<string, Tensor> } {
  const graph: onnx.IGraphProto = model.graph!;
  const constants = set.inputs
    .filter((input) => !data.includes(input))
    .map(({ name, proto }) => ({ ...proto, name }));
  const inputs = new Map(data.map(({ name, proto }) => [name, tensorOf(proto!)!]));
  const changed = {
    ...graph,
    initializer: [...(graph.initializer ?? []), ...constants],
  };
  if (data.length > 0) {
    return { bytes: encoded({ ...model, graph: changed }), inputs };
  }
  const { outputs, ...rest } = withEncryptedZero(graph, set);
  for (const [name, tensor] of outputs) inputs.set(name, tensor);
  const initializer = changed.initializer;
  return { bytes: encoded({ ...model, graph: { ...changed, ...rest, initializer } }), inputs };
}

function encoded(model: onnx.IModelProto): Uint8Array {
  return ModelProto.encode(model).finish();
}

/**
 * A graph whose outputs are constants has nothing to encrypt: each is cast to float and an encrypted
 * zero of its shape added, so that the folded value comes out.
 */
function withEncryptedZero(
  graph: onnx.IGraphProto,
  set: DataSet,
): Pick<onnx.IGraphProto, 'node' | 'input' | 'output'> & {
  readonly outputs: readonly (readonly [string, Tensor])[];
} {
  const { FLOAT } = TensorProto.DataType;
  const outputs = set.outputs.map(({ name, proto }) => ({ name, shape: proto!.dims ?? [] }));
  const float = (shape: readonly unknown[]): onnx.ITypeProto => ({
    tensorType: {
      elemType: FLOAT,
      shape: { dim: shape.map((extent) => ({ dimValue: Number(extent) })) },
    },
  });
  const renamed = new Map(outputs.map(({ name }) => [name, `${name}/folded`]));
  const rename = (name: string): string => renamed.get(name) ?? name;
  return {
    node: [
      ...(graph.node ?? []).map((node) => ({
        ...node,
        input: (node.input ?? []).map(rename),
        output: (node.output ?? []).map(rename),
      })),
      ...outputs.flatMap(({ name }) => [
        {
          opType: 'Cast',
          name: `${name}/cast`,
          input: [rename(name)],
          output: [`${name}/float`],
          attribute: [{ name: 'to', type: AttributeProto.AttributeType.INT, i: FLOAT }],
        },
        {
          opType: 'Add',
          name: `${name}/add`,
          input: [`${name}/float`, `${name}/zero`],
          output: [name],
        },
      ]),
    ],
    input: [
      ...(graph.input ?? []),
      ...outputs.map(({ name, shape }) => ({ name: `${name}/zero`, type: float(shape) })),
    ],
    output: outputs.map(({ name, shape }) => ({ name, type: float(shape) })),
    outputs: outputs.map(({ name, shape }) => {
      const extents = shape.map(Number);
      const count = extents.reduce((product, extent) => product * extent, 1);
      return [`${name}/zero`, { shape: extents, data: new Float64Array(count) }] as const;
    }),
  };
}

/** How a result differs from the expected one, in words; null where it agrees. */
function differenceOf(actual: Tensor, expected: Tensor, tolerance: number): string | null {
  const shapes = [actual.shape, expected.shape].map((shape) => `[${shape.join(',')}]`);
  if (shapes[0] !== shapes[1]) return `has the shape ${shapes[0]!}, not ${shapes[1]!}`;
  for (const [n, wanted] of expected.data.entries()) {
    const got = actual.data[n]!;
    if (Object.is(got, wanted) || got === wanted) continue;
    // Written so that a NaN on one side alone is a difference.
    if (!(Math.abs(got - wanted) <= atol + tolerance * Math.abs(wanted)))
      return `has ${got} at element ${n}, not ${wanted}`;
  }
  return null;
}
