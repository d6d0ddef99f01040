/** Pages of docs/operators, from the declarations of the importers. */
import { z } from 'zod';
import type { AttributeSpec, Importer, InputSpec } from '../../src/frontend/define-importer.ts';
import { importers } from '../../src/frontend/importers/index.ts';
import type { Page } from './page.ts';
import { table } from './table.ts';

const generated = '<!-- Written by `npm run docs` from src/frontend/importers; do not edit. -->';

const forms: Readonly<Record<InputSpec['form'], string>> = {
  data: 'data',
  constant: 'constant',
  either: 'data or constant',
};

/** One page per operator, and the index. */
export function operatorPages(): Page[] {
  const pages = importers.map((importer) => ({
    path: `docs/operators/${importer.operator}.md`,
    text: operatorPage(importer),
  }));
  return [{ path: 'docs/operators/README.md', text: indexPage() }, ...pages];
}

function indexPage(): string {
  return [
    '# ONNX operators',
    generated,
    'These operators of the default domain are imported, opsets 6 to 24, IR versions 3 to 12. _Data_ is a value that depends on the encrypted input; everything else is constant and is computed when the model is compiled, whatever the operator.',
    table(
      ['operator', 'does', 'becomes'],
      importers.map(({ operator, summary, lowersTo }) => [
        `[${operator}](${operator}.md)`,
        summary,
        lowersTo,
      ]),
    ),
    'Adding one is one file in `src/frontend/importers` with `defineImporter`, one line in its `index.ts`, and its cases in `test/frontend/importer-cases.ts`.',
  ].join('\n\n');
}

function operatorPage(importer: Importer): string {
  const { operator, summary, inputs, attributes, lowersTo, notes = [], variadic } = importer;
  const parts = [`# ${operator}`, generated, summary, '## Inputs'];
  if (inputs.length === 0) {
    parts.push('None.');
  } else {
    parts.push(
      table(
        ['input', 'form', 'is', 'opsets'],
        inputs.map((input, n) => {
          const repeated = variadic === true && n === inputs.length - 1 ? ', may be repeated' : '';
          const optional = input.optional === true ? ', optional' : '';
          return [
            `\`${input.name}\``,
            forms[input.form] + optional + repeated,
            input.doc,
            versions(input),
          ];
        }),
      ),
    );
  }
  parts.push('## Attributes');
  const specs = Object.entries(attributes);
  parts.push(
    specs.length === 0
      ? 'None.'
      : table(
          ['attribute', 'type', 'default', 'is', 'opsets'],
          specs.map(([name, spec]) => [`\`${name}\``, ...typeOf(spec), spec.doc, versions(spec)]),
        ),
  );
  parts.push('## Becomes', `${lowersTo.charAt(0).toUpperCase()}${lowersTo.slice(1)}`);
  if (notes.length > 0) parts.push('## Limits', notes.map((note) => `- ${note}`).join('\n'));
  parts.push(
    `The operator itself is described in the [ONNX documentation](https://onnx.ai/onnx/operators/onnx__${operator}.html).`,
  );
  return parts.join('\n\n');
}

function versions({ since, until }: { readonly since?: number; readonly until?: number }): string {
  return `${since ?? 7}–${until ?? 22}`;
}

interface JsonSchema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly { readonly const?: unknown }[];
  readonly default?: unknown;
}

/** Type and default of an attribute, in words. */
function typeOf({ schema }: AttributeSpec<unknown>): [type: string, fallback: string] {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  const optional = schema.safeParse(undefined).success;
  if (!optional) return [describe(json), 'required'];
  const value: unknown = schema.parse(undefined);
  // Flags are numbers in the file and booleans in the importer.
  const fallback =
    typeof value === 'boolean' ? Number(value) : (value as string | number | undefined);
  return [describe(json), fallback === undefined ? '–' : String(fallback)];
}

function describe(json: JsonSchema): string {
  if (json.enum !== undefined) return json.enum.join(', ');
  if (json.anyOf !== undefined)
    return json.anyOf.map((choice) => String(choice.const)).join(' or ');
  switch (json.type) {
    case 'array':
      return `list of ${describe(json.items ?? {})}`;
    case 'integer':
      return 'int';
    case 'number':
      return 'float';
    default:
      return json.type ?? 'tensor';
  }
}
