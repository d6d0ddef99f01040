/** Growing the part of a program that the server computes in the clear. */
import { CipherloomError, invariant } from '../../errors.ts';
import { textOf } from '../../ir/attribute-values.ts';
import { buildProgram } from '../../ir/build.ts';
import type { ProgramBuilder, Rewriter } from '../../ir/build.ts';
import { operationOf } from '../../ir/program.ts';
import type { Attributes, Operation, Program, ValueId } from '../../ir/program.ts';
import { publicFlags } from '../../ir/public-values.ts';
import { shapeOf } from '../../ir/types.ts';
import calibrateRanges from '../calibrate-ranges.ts';
import type { PassContext } from '../define-pass.ts';

export interface PublicPart {
  readonly builder: ProgramBuilder;
  /** The value here that stands for a public value of the program. */
  valueOf(id: ValueId): ValueId;
  /** Copy an operation whose operands are public. */
  take(operation: Operation, id: ValueId): void;
  /** Make a value known to the program; returns the name by which it reads it. */
  expose(value: ValueId, hint: string | null): string;
  /** The part with the exposed values as its outputs, bounded by proof or by what is seen. */
  finish(context: PassContext): Program;
}

/** The public part of a program, to be continued. */
export function openPublicPart(program: Program): PublicPart {
  const { publicPart } = program;
  // Constants that neither side needs go when both are finished; names never meet (see buildProgram).
  const constants = new Map([...program.constants, ...(publicPart?.constants ?? [])]);
  const builder = buildProgram(program.name, { constants });
  publicPart?.operations.forEach(({ op, operands, attributes, location, type }) => {
    builder.add(op, operands, attributes, { location, range: type.range });
  });
  const named = new Map(publicPart?.outputs.map(({ name, value }) => [name, value]));
  const values = new Map<ValueId, ValueId>();
  program.operations.forEach((operation, id) => {
    if (operation.op !== 'nn.input') return;
    const value = named.get(textOf(operation, 'name'));
    if (value !== undefined) values.set(id, value);
  });
  const exposed = new Map<ValueId, string>();
  const names = new Set(
    [...program.operations, ...(publicPart?.operations ?? [])].flatMap((operation) =>
      operation.op === 'nn.input' ? [textOf(operation, 'name')] : [],
    ),
  );
  const valueOf = (id: ValueId): ValueId => {
    const value = values.get(id);
    invariant(value !== undefined, `%${id} is public`);
    return value;
  };
  return {
    builder,
    valueOf,
    take({ op, operands, attributes, location, type }, id) {
      values.set(
        id,
        builder.add(op, operands.map(valueOf), attributes, { location, range: type.range }),
      );
    },
    expose(value, hint) {
      const known = exposed.get(value);
      if (known !== undefined) return known;
      const base = `public.${hint ?? String(value)}`;
      let name = base;
      for (let n = 1; names.has(name); n++) name = `${base}.${n}`;
      names.add(name);
      exposed.set(value, name);
      return name;
    },
    finish(context) {
      const outputs = [...exposed].map(([value, name]) => ({ name, value, postprocess: [] }));
      // The calibration of the whole program says once what there is to say.
      const quiet = { ...context, warn: () => undefined, note: () => undefined };
      return calibrateRanges.run(builder.finish(outputs), quiet);
    },
  };
}

/** Attributes of the input through which a program reads a value of its finished public part. */
export function publicInputAttributes(publicPart: Program, name: string): Attributes {
  const output = publicPart.outputs.find((each) => each.name === name);
  invariant(output !== undefined, `the public value "${name}" was exposed`);
  const { type, location } = operationOf(publicPart, output.value);
  const { range } = type;
  if (range === null) {
    throw new CipherloomError(
      'RANGE_TOO_LARGE',
      `the range of the public value ${location ?? name} is not known`,
      {
        phase: 'nn',
        node: location ?? name,
        hint: '--calibration X.npz with real inputs, public ones too, bounds every value',
      },
    );
  }
  return { name, shape: shapeOf(type), range: [range.lo, range.hi], public: true };
}

/** Reads public values in a program under construction: one input for each. */
export function publicReader(publicPart: Program) {
  const read = new Map<string, ValueId>();
  return ({ builder }: Pick<Rewriter, 'builder'>, name: string): ValueId => {
    const known = read.get(name);
    if (known !== undefined) return known;
    const value = builder.add('nn.input', [], publicInputAttributes(publicPart, name));
    read.set(name, value);
    return value;
  };
}

/** Refuse outputs that need no encryption. Throws MODEL_UNSUPPORTED. */
export function refusePublicOutputs(program: Program): void {
  const flags = publicFlags(program);
  const { name } = program.outputs.find(({ value }) => flags[value] === true) ?? {};
  if (name === undefined) return;
  throw new CipherloomError(
    'MODEL_UNSUPPORTED',
    `the output "${name}" depends on public inputs alone: whoever runs the server knows it`,
    {
      phase: 'nn',
      node: name,
      hint: 'remove the output from the model, or leave out the --public-input that it depends on',
    },
  );
}
