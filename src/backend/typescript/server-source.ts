/** Writes `server.ts`: what the evaluating side imports. It can hold no secret key. */
import { StructureKind } from 'ts-morph';
import type { ClientPlan } from '../../layout/client-plan.ts';
import { describePlan, type PlanFacts } from './describe-plan.ts';
import { parametersLiteral } from './literals.ts';
import { constant, objectLiteral, planConstants } from './plan-constants.ts';
import { printSourceFile, type Statement } from './source-file.ts';
import { typeName } from './type-name.ts';

export function serverSource(plan: ClientPlan, facts: PlanFacts): string {
  const session = `${typeName(plan.name)}Session`;
  return printSourceFile('server.ts', {
    header: [
      ...describePlan(plan, facts, 'Server'),
      '@example',
      `const session = await ${session}.create('model.loom', {`,
      "  evaluationKeys: 'evaluation.keys',",
      '});',
      'const response = await session.run(request);',
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
    ],
    statements: [...planConstants(plan, facts), ...sessionStatements(session)],
  });
}

/** The type of the session and, under the same name, the object that creates it. */
function sessionStatements(session: string): Statement[] {
  return [
    '\n/** The session of any model. */\ntype AnySession = Pick<InferenceSession, keyof InferenceSession>;',
    "\n/** The library's session without what this model states more narrowly. */\ntype Session = Omit<AnySession, 'inputNames' | 'outputNames'>;",
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
