/**
 * IR text: one operation a line, layouts aliased at the head, weights by name and hash.
 *
 * `parse` reads it back; print ∘ parse ∘ print is the identity.
 */
import { createHash } from 'node:crypto';
import type { Layout } from '../layout/layout.ts';
import type { Attribute, Program } from './program.ts';
import { toText } from './rational.ts';
import type { Tensor } from './tensor.ts';
import type { Type } from './types.ts';

/** Constants up to this many elements are written out; larger ones by hash. */
export const inlineElements = 16;

/** Begins each line of the program that computes public values. */
export const publicPrefix = 'public ';

/** SHA-256 of the little-endian float64 elements, hex. */
export function hashConstant({ data }: Tensor): string {
  return createHash('sha256')
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest('hex');
}

/** Numbers as text that reads back to the same double, −0 and infinities included. */
export function printNumber(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** The same layout with its fields in the order of the schema, so that equal layouts print alike. */
function canonicalLayout(layout: Layout): unknown {
  const { shape, slots, ciphertexts, origin, digits, unused } = layout;
  return {
    shape,
    slots,
    ciphertexts,
    origin,
    digits: digits.map(({ of, size, step, place, stride }) => ({ of, size, step, place, stride })),
    unused: unused.kind === 'zero' ? { kind: 'zero' } : { kind: 'unknown', bound: unused.bound },
  };
}

function isLayout(value: Attribute): boolean {
  return typeof value === 'object' && value !== null && 'digits' in value && 'slots' in value;
}

/** Print a program. */
export function printProgram(program: Program): string {
  const aliases = new Map<string, string>();
  const layoutAlias = (layout: Layout): string => {
    const key = JSON.stringify(canonicalLayout(layout));
    const alias = aliases.get(key) ?? `#l${aliases.size}`;
    aliases.set(key, alias);
    return alias;
  };

  const printAttribute = (value: Attribute): string => {
    if (typeof value === 'number') return printNumber(value);
    if (typeof value === 'string') return value.startsWith('@') ? value : JSON.stringify(value);
    if (value === null || typeof value === 'boolean') return String(value);
    if (Array.isArray(value))
      return `[${value.map((part: Attribute) => printAttribute(part)).join(', ')}]`;
    if (isLayout(value)) return layoutAlias(value as unknown as Layout);
    return `{${sortedEntries(value as Record<string, Attribute>)}}`;
  };
  const sortedEntries = (record: Readonly<Record<string, Attribute>>): string =>
    Object.entries(record)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => `${key} = ${printAttribute(value)}`)
      .join(', ');

  const printType = (type: Type): string => {
    const range =
      type.range === null
        ? ''
        : ` in [${printNumber(type.range.lo)}, ${printNumber(type.range.hi)}] ${type.range.source}`;
    if (type.kind === 'tensor') return `tensor [${type.shape.join(', ')}]${range}`;
    if (type.kind === 'vector') return `vector ${layoutAlias(type.layout)}${range}`;
    const scale = type.scale === null ? '?' : toText(type.scale);
    return `ciphertext ${layoutAlias(type.layout)} size ${type.size} level ${type.level ?? '?'} scale ${scale}${range}`;
  };

  const operations = program.operations.map((operation, id) => {
    const operands = operation.operands.map((operand) => `%${operand}`).join(', ');
    const location =
      operation.location === null ? '' : ` loc ${JSON.stringify(operation.location)}`;
    return `%${id} = ${operation.op}(${operands}) {${sortedEntries(operation.attributes)}} : ${printType(operation.type)}${location}`;
  });
  const outputs = program.outputs.map(
    ({ name, value, postprocess }) =>
      `output ${JSON.stringify(name)} = %${value} then ${printAttribute(postprocess as unknown as Attribute)}`,
  );
  const constants = [...program.constants].map(([name, tensor]) => {
    const values =
      tensor.data.length <= inlineElements
        ? `[${[...tensor.data].map(printNumber).join(', ')}]`
        : `sha256:${hashConstant(tensor)}`;
    return `@${name} = [${tensor.shape.join(', ')}] ${values}`;
  });
  const modulus =
    program.modulus === null
      ? []
      : [
          `modulus ${program.modulus.ringDegree} [${program.modulus.primes.join(', ')}] special [${program.modulus.specialPrimes.join(', ')}]`,
        ];
  const publicPart =
    program.publicPart === undefined
      ? []
      : printProgram(program.publicPart)
          .trimEnd()
          .split('\n')
          .map((line) => `${publicPrefix}${line}`);
  const layouts = [...aliases].map(([layout, alias]) => `${alias} = ${layout}`);
  return [
    `program ${JSON.stringify(program.name)}`,
    ...modulus,
    ...publicPart,
    ...layouts,
    ...constants,
    ...operations,
    ...outputs,
    '',
  ].join('\n');
}
