/** Programs in TypeScript: what `export default defineProgram(…)` makes. */
import { CipherloomError } from '../../errors.ts';
import type { Warning } from '../../errors.ts';
import { buildProgram } from '../../ir/build.ts';
import type { Program, ProgramOutput } from '../../ir/program.ts';
import { elementCount } from '../../layout/layout.ts';
import { maxEncryptedElements } from '../import-node.ts';
import { quoted } from '../printable.ts';
import { callSite } from './call-site.ts';
import type { Constant, Shaped, ShapeOf } from './operand.ts';
import { programError, programWriter } from './program-writer.ts';
import type { Call } from './program-writer.ts';
import type { Plain, Shape } from './shapes.ts';
import type { Value } from './value.ts';

export interface InputOptions {
  /** Bounds of the elements; [0, 1] is assumed, with a warning, where it is absent. */
  readonly range?: readonly [number, number];
}

/** What the function of a program is given. */
export interface ProgramTools {
  /** A tensor that the client encrypts. */
  readonly input: <const S extends Shape>(
    name: string,
    shape: S,
    options?: InputOptions,
  ) => Value<Plain<S>>;
  /** A constant as a value, for the left side of an operation. */
  readonly constant: <const C extends Constant>(value: C) => Value<ShapeOf<C>>;
}

/** The results, by name. */
export type Outputs = Readonly<Record<string, Shaped>>;

/** Bounds and shapes that the caller states; they win over the program's, or must agree with them. */
export interface BuildRequest {
  readonly inputRanges?: Readonly<Record<string, readonly [number, number]>>;
  readonly inputShapes?: Readonly<Record<string, readonly number[]>>;
}

export interface BuiltProgram {
  readonly program: Program;
  readonly warnings: readonly Warning[];
}

/** Marks programs of every copy of this package: a file may resolve to another one. */
export const programBrand = Symbol.for('cipherloom.program');

/** A program that `compile` takes in the place of a model. */
export interface DefinedProgram {
  readonly [programBrand]: true;
  readonly name: string;
  /** `file.ts:line` of the definition. */
  readonly location: string;
  /** Run the function. Throws PROGRAM_INVALID, SHAPE_MISMATCH and others, naming the line. */
  build(request?: BuildRequest): BuiltProgram;
}

/**
 * Define a program on encrypted inputs.
 *
 * The function runs when the program is compiled; it must not depend on time, chance or the machine,
 * or the same file gives different plans. Throws PROGRAM_INVALID for a name that is none.
 */
export function defineProgram(
  name: string,
  build: (tools: ProgramTools) => Outputs,
): DefinedProgram {
  const call = { location: callSite(defineProgram) ?? 'program', name: 'defineProgram' };
  // A program without types may pass anything.
  const [givenName, givenBuild]: readonly unknown[] = [name, build];
  if (typeof givenName !== 'string' || givenName === '') {
    throw programError(call, 'its first argument is not a name');
  }
  if (typeof givenBuild !== 'function') {
    throw programError(call, 'its second argument is not a function', {
      hint: `defineProgram('${givenName}', ({ input }) => { … })`,
    });
  }
  return {
    [programBrand]: true,
    name,
    location: call.location,
    build: (request = {}) => written(name, build, request, call),
  };
}

function written(
  name: string,
  build: (tools: ProgramTools) => Outputs,
  { inputRanges = {}, inputShapes = {} }: BuildRequest,
  call: Call,
): BuiltProgram {
  const builder = buildProgram(name);
  const writer = programWriter(builder, call.location);
  const warnings: Warning[] = [];
  const names = new Set<string>();

  const input: ProgramTools['input'] = (inputName, shape, options = {}) => {
    const here = { location: callSite(input) ?? call.location, name: 'input' };
    checkInput(inputName, shape, options, names, here);
    names.add(inputName);
    const given = own(inputShapes, inputName);
    if (given !== undefined && given.join() !== shape.join()) {
      throw new CipherloomError(
        'SHAPE_MISMATCH',
        `${here.location}: the input ${quoted(inputName)} is [${shape.join(',')}], not [${given.join(',')}]`,
        { phase: 'frontend', node: here.location, details: { program: shape, given } },
      );
    }
    const range = own(inputRanges, inputName) ?? options.range;
    if (range === undefined) {
      warnings.push({
        id: 'INPUT_RANGE_ASSUMED',
        message: `${here.location}: the range of the input ${quoted(inputName)} is not known; [0, 1] is assumed: write { range: [lo, hi] }, or give --input-range LO,HI`,
        node: here.location,
      });
    }
    const value = builder.add(
      'nn.input',
      [],
      { name: inputName, shape, range: range ?? [0, 1] },
      { location: here.location },
    );
    return writer.value({ kind: 'data', value, shape }) as Value<never>;
  };
  const constant: ProgramTools['constant'] = (value) => {
    const here = { location: callSite(constant) ?? call.location, name: 'constant' };
    return writer.value(writer.constant(value, here)) as Value<never>;
  };

  const results: unknown = build({ input, constant });
  const unknown = [...Object.keys(inputRanges), ...Object.keys(inputShapes)].find(
    (each) => !names.has(each),
  );
  if (unknown !== undefined) {
    throw new CipherloomError('USAGE', `the program has no input ${quoted(unknown)}`, {
      phase: 'frontend',
      details: { inputs: [...names] },
      hint: `its inputs: ${[...names].join(', ')}`,
    });
  }
  const outputs = Object.entries(namedResults(results, call)).map(
    ([output, result]): ProgramOutput => {
      const node = writer.nodeOf(result);
      if (node === null) {
        throw programError(call, `its output ${quoted(output)} is not a value of this program`, {
          hint: 'return values, by name: return { edges: x }',
        });
      }
      if (node.kind === 'constant') {
        throw programError(call, `its output ${quoted(output)} does not depend on an input`);
      }
      return { name: output, value: node.value, postprocess: [] };
    },
  );
  return { program: builder.finish(outputs), warnings };
}

function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

/** Throws PROGRAM_INVALID and RESOURCE_LIMIT. */
function checkInput(
  name: unknown,
  shape: unknown,
  { range }: InputOptions,
  names: ReadonlySet<string>,
  call: Call,
): void {
  if (typeof name !== 'string' || name === '' || name.startsWith('@')) {
    throw programError(call, `${String(name)} is not the name of an input`);
  }
  if (names.has(name)) throw programError(call, `there is an input ${quoted(name)} already`);
  const isShape =
    Array.isArray(shape) && shape.every((extent) => Number.isSafeInteger(extent) && extent >= 1);
  if (!isShape) {
    throw programError(call, `the shape of ${quoted(name)} is not a list of whole numbers from 1`, {
      hint: `input('${name}', [1, 64, 64])`,
    });
  }
  const elements = elementCount(shape as number[]);
  if (elements > maxEncryptedElements) {
    throw new CipherloomError(
      'RESOURCE_LIMIT',
      `${call.location}: the input ${quoted(name)} has ${elements} elements, the limit is ${maxEncryptedElements}`,
      {
        phase: 'frontend',
        node: call.location,
        details: { elements, limit: maxEncryptedElements },
      },
    );
  }
  if (range === undefined) return;
  const [lo, hi] = range;
  if (!(Number.isFinite(lo) && Number.isFinite(hi) && lo <= hi)) {
    throw programError(call, `the range of ${quoted(name)} is [${range.join(', ')}]`, {
      hint: 'give two finite numbers, the lower one first: { range: [0, 1] }',
    });
  }
}

/** The outputs by name. Throws PROGRAM_INVALID. */
function namedResults(results: unknown, call: Call): Readonly<Record<string, unknown>> {
  const hint = 'return the values by name, as in return { edges: x }';
  if (results instanceof Promise) {
    throw programError(call, 'its function is async', {
      hint: 'read files with readFileSync, or before defineProgram',
    });
  }
  if (typeof results !== 'object' || results === null) {
    throw programError(call, 'its function returns no outputs', { hint });
  }
  if ('shape' in results) {
    throw programError(call, 'its function returns a value without a name', { hint });
  }
  if (Object.keys(results).length === 0) {
    throw programError(call, 'its function returns no outputs', { hint });
  }
  return results as Readonly<Record<string, unknown>>;
}
