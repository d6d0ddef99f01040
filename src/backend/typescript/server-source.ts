/** Writes `server.ts`: what the evaluating side imports. It can hold no secret key. */
import { StructureKind } from 'ts-morph';
import type { ClientPlan, InputForm } from '../../layout/client-plan.ts';
import { describePlan, type PlanFacts } from './describe-plan.ts';
import { parametersLiteral } from './literals.ts';
import { constant, objectLiteral, planConstants, publicInputsConstant } from './plan-constants.ts';
import { printSourceFile, type Statement } from './source-file.ts';
import { typeName } from './type-name.ts';

export function serverSource(plan: ClientPlan, facts: PlanFacts): string {
  const session = `${typeName(plan.name)}Session`;
  const publicInputs = plan.publicInputs ?? [];
  const known = publicInputs.length > 0;
  return printSourceFile('server.ts', {
    header: [
      ...describePlan(plan, facts, 'Server'),
      '@example',
      `const session = await ${session}.create('model.loom', {`,
      "  evaluationKeys: 'evaluation.keys',",
      '});',
      `const response = await session.run(request${known ? ', { public: tensors }' : ''});`,
      'await session.release();',
    ],
    imports: [
      {
        moduleSpecifier: 'cipherloom/server',
        namedImports: [
          'CipherloomError',
          'InferenceSession',
          { name: 'SessionOptions', isTypeOnly: true },
        ],
      },
      ...(known
        ? [
            {
              moduleSpecifier: 'cipherloom/server',
              isTypeOnly: true,
              namedImports: ['RunOptions', 'TensorLike'],
            },
          ]
        : []),
    ],
    statements: [
      ...planConstants(plan, facts),
      ...(known ? publicStatements(publicInputs) : []),
      ...sessionStatements(session, known),
    ],
  });
}

/** What `run` takes besides the request. */
function publicStatements(publicInputs: readonly InputForm[]): Statement[] {
  return [
    publicInputsConstant(publicInputs),
    '\n/** A tensor for each public input: one image for all of a request, or one for each. */\nexport type PublicTensors = Readonly<Record<keyof typeof publicInputs, TensorLike>>;',
    '\n/** How to run a request. */\nexport interface PublicOptions extends RunOptions {\n  readonly public: PublicTensors;\n}',
  ];
}

/** The type of the session and, under the same name, the object that creates it. */
function sessionStatements(session: string, known: boolean): Statement[] {
  const narrowed = ['inputNames', 'outputNames', ...(known ? ['run'] : [])];
  return [
    '\n/** The session of any model. */\ntype AnySession = Pick<InferenceSession, keyof InferenceSession>;',
    `\n/** The library's session without what this model states more narrowly. */\ntype Session = Omit<AnySession, ${narrowed.map((name) => `'${name}'`).join(' | ')}>;`,
    {
      kind: StructureKind.Interface,
      name: session,
      isExported: true,
      extends: ['Session'],
      docs: ['Computes on ciphertexts of this model.'],
      properties: [
        { name: 'inputNames', isReadonly: true, type: 'readonly (keyof typeof inputs)[]' },
        { name: 'outputNames', isReadonly: true, type: 'readonly (keyof typeof outputs)[]' },
      ],
      methods: known
        ? [
            {
              name: 'run',
              parameters: [
                { name: 'request', type: 'Uint8Array<ArrayBuffer>' },
                { name: 'options', type: 'PublicOptions' },
              ],
              returnType: 'Promise<Uint8Array<ArrayBuffer>>',
            },
          ]
        : [],
    },
    {
      kind: StructureKind.Function,
      name: 'isOfThisPlan',
      parameters: [{ name: 'session', type: 'AnySession' }],
      returnType: `session is ${session}`,
      statements: ['return session.plan.hash === planHash;'],
    },
    constant(session, objectLiteral([createMethod(session)]), 'Loads `model.loom`.'),
  ];
}

function createMethod(session: string): string {
  const signature = parametersLiteral(
    ['plan: Uint8Array | string', 'options: SessionOptions = {}'],
    {
      column: 2,
      before: 'async create',
      after: `: Promise<${session}> {`,
    },
  );
  return [
    '/**',
    ' * Load the bytes of `model.loom`, or its path, and the evaluation keys.',
    ' *',
    ' * Throws PLAN_MISMATCH when the file belongs to another plan; KEYS_MISMATCH when the keys do;',
    ' * PLAN_INVALID, PARAMETERS_INSECURE, KEYS_INVALID, RESOURCE_LIMIT.',
    ' */',
    signature,
    '  const session: AnySession = await InferenceSession.create(plan, options);',
    '  if (isOfThisPlan(session)) return session;',
    '  await session.release();',
    '  const got = session.plan.hash;',
    '  throw new CipherloomError(',
    "    'PLAN_MISMATCH',",
    '    `model.loom is of plan ${got}, this code of plan ${planHash}`,',
    '    {',
    "      phase: 'server',",
    "      node: 'model.loom',",
    '      details: { expected: planHash, got },',
    "      hint: 'use the model.loom and the server.ts that one run of compile wrote',",
    '    },',
    '  );',
    '},',
  ].join('\n');
}
