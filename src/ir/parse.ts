/** Reading IR text (see print.ts). The result still has to pass `verify`. */
import { z } from 'zod';
import { CipherloomError } from '../errors.ts';
import type { PostprocessStep } from '../layout/client-plan.ts';
import { elementCount } from '../layout/layout.ts';
import type { Layout } from '../layout/layout.ts';
import { layoutSchema } from './layout-schema.ts';
import { hashConstant, publicPrefix } from './print.ts';
import type {
  Attribute,
  Attributes,
  Modulus,
  Operation,
  Program,
  ProgramOutput,
} from './program.ts';
import { fromText } from './rational.ts';
import type { Tensor } from './tensor.ts';
import { sameShape } from './types.ts';
import type { Range, Type } from './types.ts';

const maxDepth = 32;

const place = z.int().nonnegative();

const postprocessSchema = z.array(
  z.union([
    z.strictObject({ op: z.enum(['softmax', 'logSoftmax', 'hardmax']), axis: place }),
    z.strictObject({ op: z.enum(['argMax', 'argMin']), axis: place, keepDims: z.boolean() }),
    z.strictObject({
      op: z.enum(['topValues', 'topIndices']),
      axis: place,
      count: z.int().positive(),
      smallest: z.boolean(),
    }),
  ]),
);

/**
 * Parse IR text.
 *
 * `constants` supplies the values of constants that the text names by hash.
 * Throws IR_INVALID with the line.
 */
export function parseProgram(
  text: string,
  constants: ReadonlyMap<string, Tensor> = new Map(),
): Program {
  const layouts = new Map<string, Layout>();
  const values = new Map<string, Tensor>();
  const operations: Operation[] = [];
  const outputs: ProgramOutput[] = [];
  const names: string[] = [];
  let modulus: Modulus | null = null;
  // Rows and columns of the public part stay what they are in the whole text.
  const publicLines: string[] = [];
  text.split('\n').forEach((raw, row) => {
    const line = raw.trim();
    if (line === '' || line.startsWith('//')) return;
    if (line.startsWith(publicPrefix)) {
      publicLines[row] = raw.replace(publicPrefix, ' '.repeat(publicPrefix.length));
      return;
    }
    const reader = new LineReader(line, row + 1, raw.length - raw.trimStart().length, layouts);
    if (reader.take('program ')) {
      names.push(reader.string());
    } else if (reader.take('modulus ')) {
      const ringDegree = reader.number();
      const primes = reader.integers();
      reader.expect('special');
      modulus = { ringDegree, primes, specialPrimes: reader.integers() };
    } else if (reader.take('#')) {
      const alias = reader.word();
      reader.expect('=');
      if (layouts.has(alias)) reader.fail(`layout #${alias} is defined twice`);
      layouts.set(alias, reader.layoutDefinition());
      return;
    } else if (reader.take('@')) {
      const constantName = reader.word();
      if (values.has(constantName)) reader.fail(`constant @${constantName} is defined twice`);
      reader.expect('=');
      values.set(constantName, reader.constant(constantName, constants));
    } else if (reader.take('%')) {
      if (reader.number() !== operations.length) reader.fail('values are numbered in order');
      reader.expect('=');
      operations.push(reader.operation());
    } else if (reader.take('output ')) {
      const outputName = reader.string();
      reader.expect('=');
      reader.expect('%');
      const value = reader.number();
      reader.expect('then');
      outputs.push({
        name: outputName,
        value,
        postprocess: reader.postprocess(),
      });
    } else {
      reader.fail('expected program, modulus, public, #layout, @constant, %value or output');
    }
    reader.end();
  });
  const [name] = names;
  if (name === undefined || names.length > 1) {
    throw new CipherloomError('IR_INVALID', 'the text needs exactly one program line', {
      phase: 'ir',
    });
  }
  const program = { name, operations, outputs, constants: values, modulus };
  if (publicLines.length === 0) return program;
  return { ...program, publicPart: parseProgram(publicLines.join('\n'), constants) };
}

/** Cursor over one line. */
class LineReader {
  readonly #text: string;
  readonly #row: number;
  readonly #layouts: ReadonlyMap<string, Layout>;
  /** Blanks before the line. */
  readonly #indent: number;
  #at = 0;

  constructor(text: string, row: number, indent: number, layouts: ReadonlyMap<string, Layout>) {
    this.#text = text;
    this.#row = row;
    this.#indent = indent;
    this.#layouts = layouts;
  }

  fail(reason: string): never {
    const column = this.#indent + this.#at + 1;
    const near = this.#text.slice(this.#at, this.#at + 40);
    throw new CipherloomError(
      'IR_INVALID',
      `line ${this.#row}, column ${column}: ${reason}, at "${near}"`,
      {
        phase: 'ir',
        details: { line: this.#row, column },
      },
    );
  }

  #space(): void {
    while (this.#text[this.#at] === ' ') this.#at++;
  }

  take(token: string): boolean {
    this.#space();
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  expect(token: string): void {
    if (!this.take(token)) this.fail(`expected "${token}"`);
  }

  end(): void {
    this.#space();
    if (this.#at !== this.#text.length) this.fail('expected the end of the line');
  }

  #match(pattern: RegExp, what: string): string {
    this.#space();
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return this.fail(`expected ${what}`);
    this.#at += found[0].length;
    return found[0];
  }

  word(): string {
    return this.#match(/[A-Za-z0-9_.\-/]+/y, 'a name');
  }

  number(): number {
    return Number(this.#match(/-?(?:Infinity|\d+(?:\.\d+)?(?:e[+-]?\d+)?)/y, 'a number'));
  }

  string(): string {
    const literal = this.#match(/"(?:[^"\\]|\\.)*"/y, 'a string');
    try {
      return JSON.parse(literal) as string;
    } catch {
      return this.fail('bad string');
    }
  }

  integers(): bigint[] {
    const list: bigint[] = [];
    this.expect('[');
    while (!this.take(']')) {
      if (list.length > 0) this.expect(',');
      list.push(BigInt(this.#match(/\d{1,40}/y, 'an integer')));
    }
    return list;
  }

  numbers(): number[] {
    const list: number[] = [];
    this.expect('[');
    while (!this.take(']')) {
      if (list.length > 0) this.expect(',');
      list.push(this.number());
    }
    return list;
  }

  layoutDefinition(): Layout {
    this.#space();
    let value: unknown;
    try {
      value = JSON.parse(this.#text.slice(this.#at));
    } catch {
      return this.fail('expected a layout');
    }
    const parsed = layoutSchema.safeParse(value);
    return parsed.success ? parsed.data : this.fail('expected a layout');
  }

  layout(): Layout {
    this.expect('#');
    const alias = this.word();
    return this.#layouts.get(alias) ?? this.fail(`layout #${alias} is not defined`);
  }

  constant(name: string, given: ReadonlyMap<string, Tensor>): Tensor {
    const shape = this.numbers();
    const count = elementCount(shape);
    if (this.take('sha256:')) {
      const hash = this.word();
      const tensor = given.get(name);
      if (tensor === undefined) return this.fail(`the value of constant @${name} is not given`);
      if (hashConstant(tensor) !== hash)
        return this.fail(`the given value of constant @${name} has another hash`);
      if (!sameShape(tensor.shape, shape))
        return this.fail(`the given value of constant @${name} has another shape`);
      return tensor;
    }
    const data = Float64Array.from(this.numbers());
    if (data.length !== count)
      this.fail(`constant @${name} has ${data.length} elements, not ${count}`);
    return { shape, data };
  }

  attribute(depth: number): Attribute {
    if (depth > maxDepth) this.fail('nested too deeply');
    this.#space();
    const next = this.#text[this.#at];
    if (next === '"') return this.string();
    if (next === '@') {
      this.#at++;
      return `@${this.word()}`;
    }
    if (next === '#') return this.layout() as unknown as Attribute;
    if (next === '[') {
      const list: Attribute[] = [];
      this.expect('[');
      while (!this.take(']')) {
        if (list.length > 0) this.expect(',');
        list.push(this.attribute(depth + 1));
      }
      return list;
    }
    if (next === '{') return this.#record(depth + 1);
    if (this.take('null')) return null;
    if (this.take('true')) return true;
    if (this.take('false')) return false;
    return this.number();
  }

  postprocess(): PostprocessStep[] {
    const parsed = postprocessSchema.safeParse(this.attribute(0));
    return parsed.success ? parsed.data : this.fail('expected the steps of the client');
  }

  #record(depth: number): Attributes {
    const entries: [string, Attribute][] = [];
    this.expect('{');
    while (!this.take('}')) {
      if (entries.length > 0) this.expect(',');
      const key = this.word();
      this.expect('=');
      entries.push([key, this.attribute(depth)]);
    }
    return Object.fromEntries(entries);
  }

  operation(): Operation {
    const op = this.word();
    const operands: number[] = [];
    this.expect('(');
    while (!this.take(')')) {
      if (operands.length > 0) this.expect(',');
      this.expect('%');
      operands.push(this.number());
    }
    const attributes = this.#record(0);
    this.expect(':');
    const type = this.#type();
    const location = this.take('loc ') ? this.string() : null;
    return { op, operands, attributes, type, location };
  }

  #type(): Type {
    if (this.take('tensor '))
      return { kind: 'tensor', shape: this.numbers(), range: this.#range() };
    if (this.take('vector '))
      return { kind: 'vector', layout: this.layout(), range: this.#range() };
    this.expect('ciphertext ');
    const layout = this.layout();
    this.expect('size');
    const size = this.number();
    if (size !== 2 && size !== 3) return this.fail('a ciphertext has 2 or 3 polynomials');
    this.expect('level');
    const level = this.take('?') ? null : this.number();
    this.expect('scale');
    const scale = this.take('?') ? null : fromText(this.#match(/\d+(?:\/\d+)?/y, 'a scale'));
    return { kind: 'ciphertext', layout, size, level, scale, range: this.#range() };
  }

  #range(): Range | null {
    if (!this.take('in [')) return null;
    const lo = this.number();
    this.expect(',');
    const hi = this.number();
    this.expect(']');
    const source = this.word();
    if (source !== 'declared' && source !== 'proved' && source !== 'calibrated') {
      return this.fail('a range is declared, proved or calibrated');
    }
    return { lo, hi, source };
  }
}
