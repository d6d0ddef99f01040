/** Writes `client.ts`: what the key's owner imports, in browsers too. */
import { StructureKind } from 'ts-morph';
import type { ClientOutput, ClientPlan } from '../../layout/client-plan.ts';
import { elementCount } from '../../layout/layout.ts';
import { commentedCode } from './comment-text.ts';
import { describePlan, type PlanFacts } from './describe-plan.ts';
import { listLiteral, property, propertyAccess, propertyKey, stringLiteral } from './literals.ts';
import { constant, frozenObject, objectLiteral, planConstants } from './plan-constants.ts';
import { printSourceFile, type Statement } from './source-file.ts';
import { namesAnImage } from './tensor-facts.ts';
import { typeName } from './type-name.ts';

export function clientSource(plan: ClientPlan, facts: PlanFacts, clientImport: string): string {
  const client = `${typeName(plan.name)}Client`;
  const labelled = plan.outputs.filter(({ labels = [] }) => labels.length > 0);
  const classified = labelled.filter(namesAnImage);
  const others = labelled.filter((output) => !namesAnImage(output));
  return printSourceFile('client.ts', {
    header: [
      ...describePlan(plan, facts, 'Client'),
      '@example',
      ...exampleLines(plan, classified[0], client).map(commentedCode),
    ],
    imports: [
      {
        moduleSpecifier: clientImport,
        namedImports: ['CipherloomError', 'Client', { name: 'TensorData', isTypeOnly: true }],
      },
    ],
    statements: [
      ...planConstants(plan, facts),
      ...(classified.length === 0
        ? []
        : [constant('labels', labelLists(classified), 'Names of the classes, by output.')]),
      ...(others.length === 0
        ? []
        : [
            constant(
              'channelLabels',
              labelLists(others),
              'Names of the classes, by output, where one image has several.',
            ),
          ]),
      tensorTypes,
      ...clientStatements(client),
      ...(classified.length === 0 ? [] : [labelOf]),
    ],
  });
}

function exampleLines(
  { inputs, outputs }: ClientPlan,
  classified: ClientOutput | undefined,
  client: string,
): string[] {
  const given = inputs.map(
    ({ name, shape }) => `${propertyKey(name)}: new Float32Array(${elementCount(shape)})`,
  );
  const [first] = outputs;
  const label = ({ name }: ClientOutput): string =>
    `const label = labelOf(${stringLiteral(name)}, ${propertyAccess('result', name)});`;
  return [
    `const client = ${client}.load(await (await fetch('client.json')).text());`,
    'const { secretKey, evaluationKeys } = await client.generateKeys();',
    `const request = await client.encrypt({ ${given.join(', ')} });`,
    '// The evaluation keys go to the server once, then requests; the secret key stays here.',
    'const result = await client.decrypt(response);',
    ...(classified !== undefined
      ? [label(classified)]
      : first !== undefined
        ? [`const { data, shape } = ${propertyAccess('result', first.name)};`]
        : []),
  ];
}

function labelLists(outputs: readonly ClientOutput[]): string {
  return frozenObject(
    outputs.map(({ name, labels = [] }) =>
      property(name, 2, (place) => listLiteral(labels.map(stringLiteral), place)),
    ),
  );
}

/** Types that follow from the constants `inputs` and `outputs`; the same text for every model. */
const tensorTypes = `
/** Shape of a tensor of one or several images. */
type ShapeOf<Tensor extends { shape: readonly number[]; batchAxis: boolean }> = Tensor extends {
  shape: readonly [number, ...infer Rest extends readonly number[]];
  batchAxis: true;
}
  ? readonly [number, ...Rest]
  : Tensor['shape'] | readonly [number, ...Tensor['shape']];

/** What \`encrypt\` takes: row-major values of one image, or of several one after the other. */
export type Inputs = {
  readonly [Name in keyof typeof inputs]:
    TensorData | { readonly data: TensorData; readonly shape: ShapeOf<(typeof inputs)[Name]> };
};

/** What \`decrypt\` returns: row-major values of all images. */
export type Outputs = {
  readonly [Name in keyof typeof outputs]: {
    readonly data: Float64Array;
    readonly shape: ShapeOf<(typeof outputs)[Name]>;
  };
};

/** The client of any model. */
type AnyClient = Pick<Client, keyof Client>;`;

/** The type of the client and, under the same name, the object that loads it. */
function clientStatements(client: string): Statement[] {
  return [
    {
      kind: StructureKind.Interface,
      name: client,
      isExported: true,
      // The library's own client under narrower types: nothing stands between it and the caller.
      extends: ["Omit<AnyClient, 'encrypt' | 'decrypt'>"],
      docs: ['Makes keys, encrypts inputs and decrypts results of this model.'],
      methods: [
        {
          name: 'encrypt',
          parameters: [{ name: 'inputs', type: 'Inputs' }],
          returnType: 'Promise<Uint8Array<ArrayBuffer>>',
          docs: [
            '\nEncrypt one image, or several, `batch` of them an execution.\n\nThrows INPUT_INVALID with tensor, index, value and range.',
          ],
        },
        {
          name: 'decrypt',
          parameters: [{ name: 'result', type: 'Uint8Array<ArrayBuffer>' }],
          returnType: 'Promise<Outputs>',
          docs: [
            '\nDecrypt a result. Share what it returns with nobody but the owner of the key.\n\nThrows PLAN_MISMATCH, CIPHERTEXT_TRUNCATED or CIPHERTEXT_INVALID.',
          ],
        },
      ],
    },
    {
      kind: StructureKind.Function,
      name: 'isOfThisPlan',
      parameters: [{ name: 'client', type: 'AnyClient' }],
      returnType: `client is ${client}`,
      statements: ['return client.plan.planHash === planHash;'],
    },
    constant(client, objectLiteral(loadLines(client)), 'Loads `client.json`.'),
  ];
}

function loadLines(client: string): string[] {
  return [
    '/**',
    ' * Make a client from the text, or the parsed value, of `client.json`.',
    ' *',
    ' * Throws PLAN_MISMATCH when the file belongs to another plan; PLAN_INVALID naming the field;',
    ' * PARAMETERS_INSECURE.',
    ' */',
    `load(clientJson: unknown): ${client} {`,
    '  const client: AnyClient = Client.load(clientJson);',
    '  if (isOfThisPlan(client)) return client;',
    '  const got = client.plan.planHash;',
    '  throw new CipherloomError(',
    "    'PLAN_MISMATCH',",
    '    `client.json is of plan ${got}, this code of plan ${planHash}`,',
    '    {',
    "      phase: 'client',",
    "      node: 'client.json',",
    '      details: { expected: planHash, got },',
    "      hint: 'use the client.json and the client.ts that one run of compile wrote',",
    '    },',
    '  );',
    '},',
  ];
}

const labelOf: Statement = `
/** Label of an image, by output. */
export type Labels = { readonly [Name in keyof typeof labels]: (typeof labels)[Name][number] };

/**
 * The label of one image: of its largest value, or of the index that argMax left.
 *
 * Throws RangeError when the output has no such image.
 */
export function labelOf<Name extends keyof Labels>(
  name: Name,
  output: Outputs[Name],
  image = 0,
): Labels[Name] {
  const lists: { readonly [N in keyof Labels]: readonly Labels[N][] } = labels;
  const values: number = outputs[name].values;
  const scores = output.data.subarray(image * values, (image + 1) * values);
  const largest = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  const label = lists[name][values === 1 ? (scores[0] ?? -1) : scores.indexOf(largest)];
  if (label === undefined) throw new RangeError(\`the output has no image \${image}\`);
  return label;
}`;
