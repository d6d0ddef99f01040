/** Attributes of operations as messages: constants and layouts by number, the rest as JSON is. */
import { z } from 'zod';
import { CipherloomError } from '../../errors.ts';
import type { Attribute, Attributes } from '../../ir/program.ts';
import type { Layout } from '../../layout/layout.ts';

/** Numbers of the constants and layouts of a plan. */
export interface AttributeTables {
  constant(name: string): number;
  layout(layout: Layout): number;
}

/** The constants and layouts of a plan by number. */
export interface AttributeValues {
  readonly constants: readonly string[];
  readonly layouts: readonly Layout[];
}

type Message = Readonly<Record<string, unknown>>;

export interface RecordMessage extends Record<string, unknown> {
  fields: unknown[];
}

/** Attributes as a record, sorted by name. */
export function encodeAttributes(attributes: Attributes, tables: AttributeTables): RecordMessage {
  const fields = Object.entries(attributes)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => ({ name, value: encodeAttribute(value, tables) }));
  return { fields };
}

function encodeAttribute(value: Attribute, tables: AttributeTables): Message {
  if (value === null) return { null: true };
  if (typeof value === 'boolean') return { boolean: value };
  if (typeof value === 'number') return { number: value };
  if (typeof value === 'string') {
    return value.startsWith('@') ? { constant: tables.constant(value.slice(1)) } : { text: value };
  }
  if (Array.isArray(value)) {
    const items = value.map((item: Attribute) => encodeAttribute(item, tables));
    return { list: { items } };
  }
  if ('digits' in value && 'slots' in value) {
    return { layout: tables.layout(value as unknown as Layout) };
  }
  return { record: encodeAttributes(value as Attributes, tables) };
}

const recordSchema = z.object({
  fields: z.array(z.object({ name: z.string().min(1).max(512), value: z.unknown() })).max(4096),
});

const attributeSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('null'), null: z.literal(true) }),
  z.object({ kind: z.literal('boolean'), boolean: z.boolean() }),
  z.object({ kind: z.literal('number'), number: z.number() }),
  z.object({ kind: z.literal('text'), text: z.string() }),
  z.object({ kind: z.literal('constant'), constant: z.int().nonnegative() }),
  z.object({ kind: z.literal('layout'), layout: z.int().nonnegative() }),
  z.object({ kind: z.literal('list'), list: z.object({ items: z.array(z.unknown()) }) }),
  z.object({ kind: z.literal('record'), record: recordSchema }),
]);

/** Read attributes back. Throws PLAN_INVALID naming the field. */
export function decodeAttributes(
  message: unknown,
  values: AttributeValues,
  path: string,
): Record<string, Attribute> {
  const parsed = recordSchema.safeParse(message);
  if (!parsed.success) return refuse(path, 'is not a record');
  const attributes = new Map<string, Attribute>();
  for (const { name, value } of parsed.data.fields) {
    if (attributes.has(name) || name === '__proto__') refuse(`${path}.${name}`, 'stands twice');
    attributes.set(name, decodeAttribute(value, values, `${path}.${name}`));
  }
  return Object.fromEntries(attributes);
}

function decodeAttribute(message: unknown, values: AttributeValues, path: string): Attribute {
  const parsed = attributeSchema.safeParse(message);
  if (!parsed.success) return refuse(path, 'is not an attribute');
  const attribute = parsed.data;
  switch (attribute.kind) {
    case 'null':
      return null;
    case 'boolean':
      return attribute.boolean;
    case 'number':
      return attribute.number;
    case 'text':
      if (attribute.text.startsWith('@')) refuse(path, 'names a constant as text');
      return attribute.text;
    case 'constant':
      return `@${values.constants[attribute.constant] ?? refuse(path, `names constant ${attribute.constant} of ${values.constants.length}`)}`;
    case 'layout':
      return (values.layouts[attribute.layout] ??
        refuse(
          path,
          `names layout ${attribute.layout} of ${values.layouts.length}`,
        )) as unknown as Attribute;
    case 'list':
      return attribute.list.items.map((item, n) => decodeAttribute(item, values, `${path}[${n}]`));
    case 'record':
      return decodeAttributes(attribute.record, values, path);
  }
}

function refuse(path: string, reason: string): never {
  throw new CipherloomError('PLAN_INVALID', `${path} ${reason}`, {
    phase: 'plan',
    node: path,
    hint: 'compile the model again',
  });
}
