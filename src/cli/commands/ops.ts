import { z } from 'zod';
import type { AnyOp } from '../../ir/define-op.ts';
import { ops } from '../../ir/ops.ts';
import { defineCommand } from '../define-command.ts';
import { nearestName } from '../nearest-name.ts';
import { usageError } from '../usage-error.ts';

export default defineCommand({
  name: 'ops',
  summary: 'List the operators of the intermediate representation, or describe one.',
  positional: { op: { optional: true, describe: 'an operator such as nn.conv' } },
  options: {},
  examples: [
    { command: 'cipherloom ops', does: 'every operator with its summary' },
    { command: 'cipherloom ops nn.conv', does: 'operands, attributes and levels of one' },
  ],
  run({ op: name }) {
    if (name === undefined) {
      const width = Math.max(...ops.map((op) => op.name.length));
      const text = ops.map((op) => `${op.name.padEnd(width)}  ${op.summary}`).join('\n');
      return { json: { ops: ops.map(describe) }, text };
    }
    const op = ops.find((known) => known.name === name);
    if (op === undefined) {
      const nearest = nearestName(
        name,
        ops.map((known) => known.name),
      );
      throw usageError(`there is no operator ${JSON.stringify(name)}`, {
        got: name,
        hint: `cipherloom ops${nearest === undefined ? '' : ` ${nearest}`}`,
      });
    }
    return { json: describe(op), text: page(op) };
  },
});

function describe(op: AnyOp) {
  return {
    name: op.name,
    code: op.code,
    summary: op.summary,
    operands: op.operands,
    variadic: op.variadic ?? false,
    levels: op.levels,
    attributes: attributeSchema(op),
  };
}

function attributeSchema(op: AnyOp): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(op.attributes, { unrepresentable: 'any', io: 'input' });
}

function page(op: AnyOp): string {
  const { properties = {}, required = [] } = attributeSchema(op);
  const operands = op.operands.map(({ name, doc }) => `  ${name}: ${doc}`);
  const attributes = Object.entries(properties).map(([name, schema]) => {
    const optional = required.includes(name) ? '' : ' (optional)';
    return `  ${name}${optional}: ${schemaText(schema)}`;
  });
  return [
    `${op.name} (code ${op.code})`,
    op.summary,
    '',
    ...section(`Operands${op.variadic === true ? ' (the last may be repeated)' : ''}:`, operands),
    ...section('Attributes:', attributes),
    `Levels: ${op.levels}`,
  ].join('\n');
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines, ''];
}

/** One phrase for a JSON schema: its description where it has one, else its type. */
function schemaText(schema: z.core.JSONSchema.BaseSchema | boolean): string {
  if (typeof schema === 'boolean') return 'any';
  if (schema.description !== undefined) return schema.description;
  if (schema.enum !== undefined)
    return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const branches = schema.anyOf ?? schema.oneOf;
  if (branches !== undefined) return branches.map(schemaText).join(' | ');
  if (schema.type === 'array') {
    const items = schema.items;
    return items === undefined || Array.isArray(items) ? 'list' : `list of ${schemaText(items)}`;
  }
  return schema.type === undefined ? 'any' : [schema.type].flat().join(' | ');
}
