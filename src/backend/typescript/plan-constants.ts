/** The constants that both generated files begin with: what the plan is, with literal types. */
import type { ClientOutput, ClientPlan, InputForm } from '../../layout/client-plan.ts';
import { elementCount } from '../../layout/layout.ts';
import { commentedNumber } from './comment-text.ts';
import { logQP, shownPrecision, type PlanFacts } from './describe-plan.ts';
import { indented, numberLiteral, numbersLiteral, property, stringLiteral } from './literals.ts';
import type { Statement } from './source-file.ts';
import { inputFacts, outputFacts, type TensorFacts } from './tensor-facts.ts';

/**
 * `export const name = value;` under a comment.
 *
 * As text: ts-morph takes the lines of an initialiser for a continued expression and indents them.
 */
export function constant(name: string, value: string, doc: string): Statement {
  return `\n/** ${doc} */\nexport const ${name} = ${value};`;
}

/** An object literal of entries, each with its comma and in lines indented among themselves. */
export function objectLiteral(entries: readonly string[]): string {
  return `{\n${entries.map(indented).join('\n')}\n}`;
}

/** An object literal whose type keeps every name and number. */
export function frozenObject(entries: readonly string[]): string {
  return `${objectLiteral(entries)} as const`;
}

export function planConstants(plan: ClientPlan, facts: PlanFacts): Statement[] {
  return [
    constant(
      'planHash',
      stringLiteral(plan.planHash),
      'SHA-256 of the `model.loom` that this file belongs to.',
    ),
    constant('batch', numberLiteral(plan.batch), 'Images that one execution holds.'),
    constant(
      'parameters',
      frozenObject(parameterEntries(plan, facts)),
      'What the ciphertexts are made with; `logQP` counts the special primes too.',
    ),
    constant('inputs', frozenObject(plan.inputs.map(inputEntry)), 'Inputs by name.'),
    constant('outputs', frozenObject(plan.outputs.map(outputEntry)), 'Decrypted outputs by name.'),
  ];
}

function parameterEntries(plan: ClientPlan, { securityBits }: PlanFacts): string[] {
  return [
    `ringDegree: ${numberLiteral(plan.parameters.ringDegree)},`,
    `logQP: ${commentedNumber(logQP(plan), 2)},`,
    `securityBits: ${commentedNumber(securityBits, 1)},`,
    `insecure: ${String(plan.parameters.insecure)},`,
    `precisionBits: ${numberLiteral(shownPrecision(plan))},`,
  ];
}

/** The tensors that the server knows, by name. */
export function publicInputsConstant(publicInputs: readonly InputForm[]): Statement {
  return constant(
    'publicInputs',
    frozenObject(publicInputs.map(inputEntry)),
    'What this server knows in the clear, by name: never encrypted, never sent.',
  );
}

function inputEntry(input: InputForm): string {
  const [low, high] = input.range.map(numberLiteral);
  return tensorEntry(
    input.name,
    inputFacts(input),
    `each from ${low ?? ''} to ${high ?? ''}; others are refused`,
    input.range,
  );
}

function outputEntry(output: ClientOutput): string {
  const steps = output.postprocess.map(({ op, axis }) => `${op} along axis ${axis}`);
  const bound = numberLiteral(Number(output.bound.toPrecision(4)));
  return tensorEntry(
    output.name,
    outputFacts(output),
    steps.length > 0
      ? `after ${steps.join(' and ')}, done by the client`
      : `expected from -${bound} to ${bound}`,
    null,
  );
}

function tensorEntry(
  name: string,
  { shape, batchAxis }: TensorFacts,
  what: string,
  range: readonly [number, number] | null,
): string {
  const values = elementCount(shape);
  const count = values === 1 ? 'one value' : `${values} values`;
  return [
    `/** Shape [${shape.join(', ')}], ${count} an image, ${what}. */`,
    property(name, 2, ({ column, before, after }) => {
      const numbers = (field: string, list: readonly number[]): string =>
        numbersLiteral(list, { column: column + 2, before: `${field}: `, after: ',' });
      const fields = [
        numbers('shape', shape),
        `batchAxis: ${String(batchAxis)},`,
        `values: ${values},`,
        ...(range === null ? [] : [numbers('range', range)]),
      ];
      return before + objectLiteral(fields) + after;
    }),
  ].join('\n');
}
