/** The program that is being written: values with their methods, over the importers of ONNX. */
import { z } from 'zod';
import { CipherloomError, invariant } from '../../errors.ts';
import type { ProgramBuilder } from '../../ir/build.ts';
import type { Importer, NodeValue } from '../define-importer.ts';
import { importNode, maxEncryptedElements, UnsupportedNode } from '../import-node.ts';
import { importerOf } from '../importers/index.ts';
import type { OnnxAttribute } from '../onnx/model.ts';
import { callSite } from './call-site.ts';
import { tensorOfConstant } from './constants.ts';
import { shapeOfNode } from './define-method.ts';
import type { Method, MethodContext, OperatorAttributes } from './define-method.ts';
import { methods } from './methods/index.ts';
import type { Value } from './value.ts';

/** The opset whose attributes the methods use. */
const opset = 22;

/** A call in the user's program: where it stands, and what it calls. */
export interface Call {
  /** `file.ts:line`. */
  readonly location: string;
  readonly name: string;
}

/** A fault of the program. */
export function programError(
  { location, name }: Call,
  reason: string,
  more: { readonly hint?: string | undefined; readonly cause?: unknown } = {},
): CipherloomError {
  return new CipherloomError('PROGRAM_INVALID', `${location}: ${name}: ${reason}`, {
    phase: 'frontend',
    node: location,
    ...more,
  });
}

export interface ProgramWriter {
  /** A value for something in the program. */
  value(node: NodeValue): Value;
  /** What a value stands for; null for what is no value of this program. */
  nodeOf(value: unknown): NodeValue | null;
  /** A constant. Throws PROGRAM_INVALID. */
  constant(value: unknown, call: Call): NodeValue;
}

/** Values of other programs are told from those of this one by who made them. */
const writers = new WeakMap<object, { readonly writer: ProgramWriter; readonly node: NodeValue }>();

/** Write to a program; calls whose line cannot be seen are placed at `name`. */
export function programWriter(builder: ProgramBuilder, name: string): ProgramWriter {
  const writer: ProgramWriter = {
    value(node) {
      const value: Record<string, unknown> = { shape: Object.freeze([...shapeOfNode(node)]) };
      for (const [method, declaration] of Object.entries(methods)) {
        const call = (...args: unknown[]): Value => {
          const location = callSite(call) ?? name;
          return writer.value(run(declaration, node, args, { location, name: method }));
        };
        value[method] = call;
      }
      writers.set(value, { writer, node });
      return Object.freeze(value) as unknown as Value;
    },
    nodeOf(value) {
      const made = typeof value === 'object' && value !== null ? writers.get(value) : undefined;
      return made?.writer === writer ? made.node : null;
    },
    constant(value, call) {
      const tensor = tensorOfConstant(value);
      if (typeof tensor === 'string') throw programError(call, tensor);
      return { kind: 'constant', tensor, elementType: 'float64' };
    },
  };

  function run(method: Method, x: NodeValue, args: readonly unknown[], call: Call): NodeValue {
    try {
      return method.build(x, parsedArguments(method, args, call), contextOf(call));
    } catch (error) {
      throw atCall(error, call);
    }
  }

  function contextOf(call: Call): MethodContext {
    return {
      node(operand) {
        const node = writer.nodeOf(operand);
        if (node !== null) return node;
        if (typeof operand === 'object' && operand !== null && writers.has(operand)) {
          throw programError(call, 'a value of another program is used', {
            hint: 'use the values that this program made',
          });
        }
        return writer.constant(operand, call);
      },
      integers: (values) => ({
        kind: 'constant',
        tensor: { shape: [values.length], data: Float64Array.from(values) },
        elementType: 'int64',
      }),
      apply: (operator, inputs, attributes = {}) =>
        applied(builder, call, operator, inputs, attributes),
      invalid(reason, hint) {
        throw programError(call, reason, { hint });
      },
    };
  }
  return writer;
}

function applied(
  builder: ProgramBuilder,
  call: Call,
  operator: string | Importer,
  inputs: readonly (NodeValue | undefined)[],
  attributes: OperatorAttributes,
): NodeValue {
  const importer = typeof operator === 'string' ? importerOf(operator) : operator;
  invariant(importer !== undefined, `there is an importer for ${call.name}`);
  const [result] = importNode(
    {
      node: {
        name: call.location,
        operator: importer.operator,
        domain: '',
        inputs: inputs.map((input) => (input === undefined ? '' : 'x')),
        outputs: ['y'],
        attributes: new Map(
          Object.entries(attributes).map(([name, value]) => [name, attributeOf(value)]),
        ),
      },
      name: call.location,
      importer,
      opset,
      inputs,
      spareElements: maxEncryptedElements,
    },
    builder,
  );
  invariant(result !== undefined, `${importer.operator} has a result`);
  return result;
}

function attributeOf(value: OperatorAttributes[string]): OnnxAttribute {
  if (typeof value === 'string') return { kind: 'string', value };
  if (typeof value === 'number') return { kind: 'int', value };
  return { kind: 'ints', value };
}

function parsedArguments(method: Method, args: readonly unknown[], call: Call): unknown[] {
  const { parameters } = method;
  if (args.length > parameters.length) {
    throw programError(call, `it takes ${parameters.length} arguments, not ${args.length}`);
  }
  return parameters.map(({ name, schema }, n) => {
    const parsed = schema.safeParse(args[n]);
    if (parsed.success) return parsed.data;
    throw programError(call, `${name}: ${z.prettifyError(parsed.error).replace(/^✖ /, '')}`, {
      hint: `docs/dsl.md says what ${call.name} takes`,
    });
  });
}

/** What an importer throws, told in the words of the language. */
function atCall(error: unknown, call: Call): unknown {
  if (error instanceof UnsupportedNode) {
    const { reason, wayOut } = error;
    const part = { name: call.location, operator: call.name, reason, wayOut };
    return new CipherloomError('MODEL_UNSUPPORTED', `${call.location}: ${call.name}: ${reason}`, {
      phase: 'frontend',
      node: call.location,
      details: { nodes: [part] },
      hint: wayOut ?? undefined,
      cause: error,
    });
  }
  if (!(error instanceof CipherloomError) || error.code === 'PROGRAM_INVALID') return error;
  const { message, details, hint, phase } = error;
  const ofFile = error.code === 'MODEL_INVALID' || error.code === 'ATTRIBUTE_INVALID';
  const reason = message.replace(/^"[^"]*" \([^)]*\): /, '');
  return new CipherloomError(
    ofFile ? 'PROGRAM_INVALID' : error.code,
    `${call.location}: ${call.name}: ${reason}`,
    {
      ...(phase === null ? {} : { phase }),
      node: call.location,
      details,
      hint: hint ?? undefined,
      cause: error,
    },
  );
}
