/** Drop what does nothing, merge chains of factors and offsets, and compute nothing twice. */
import { rewriteProgram } from '../ir/build.ts';
import { hashConstant } from '../ir/print.ts';
import { constantOf, constantReferences, operationOf, usersOf } from '../ir/program.ts';
import type { Attribute, Operation, Program, ValueId } from '../ir/program.ts';
import { zipTensors } from '../ir/tensor.ts';
import type { Tensor } from '../ir/tensor.ts';
import { sameShape, shapeOf } from '../ir/types.ts';
import { constantAttribute, numbersOf, textOf } from '../ir/attribute-values.ts';
import { definePass } from './define-pass.ts';

export default definePass({
  name: 'fold-constants',
  summary:
    'Drop what does nothing, merge chains of factors and offsets, and compute nothing twice.',
  phase: 'nn',
  run: (program) => mergeChains(shareEqual(dropNeutral(program))),
});

/** Operators whose value is their operand. */
function isNeutral(program: Program, operation: Operation): boolean {
  const { op, operands, type } = operation;
  const [x] = operands;
  if (x === undefined || op === 'nn.input') return false;
  const from = shapeOf(operationOf(program, x).type);
  const to = shapeOf(type);
  const every = (attribute: string, neutral: number): boolean =>
    sameShape(from, to) &&
    constantAttribute(program, operation, attribute).data.every((value) => value === neutral);
  switch (op) {
    case 'nn.identity':
      return true;
    case 'nn.reshape':
      return sameShape(from, to);
    case 'nn.add-constant':
      return every('value', 0);
    case 'nn.scale':
      return every('factor', 1);
    case 'nn.concat':
      return operands.length === 1;
    case 'nn.pad':
      return numbersOf(operation, 'pads').every((pad) => pad === 0);
    case 'nn.slice':
      return sameShape(from, to) && numbersOf(operation, 'steps').every((step) => step === 1);
    case 'nn.transpose':
      return numbersOf(operation, 'permutation').every((axis, k) => axis === k);
    default:
      return false;
  }
}

function dropNeutral(program: Program): Program {
  return rewriteProgram(program, (operation, _, { mapped, keep }) => {
    const [x] = operation.operands;
    return x !== undefined && isNeutral(program, operation) ? mapped(x) : keep();
  });
}

/** Attributes with the content of constants in place of their names. */
function contentKey(program: Program, attribute: Attribute, hashes: Map<string, string>): string {
  let text = JSON.stringify(attribute);
  for (const reference of new Set(constantReferences(attribute))) {
    let hash = hashes.get(reference);
    if (hash === undefined) {
      const value = constantOf(program.constants, reference);
      hash = `${value.shape.join('x')}:${hashConstant(value)}`;
      hashes.set(reference, hash);
    }
    text = text.replaceAll(JSON.stringify(reference), hash);
  }
  return text;
}

/** Common subexpressions: the first of equal operations stands for all. */
function shareEqual(program: Program): Program {
  const known = new Map<string, ValueId>();
  const hashes = new Map<string, string>();
  return rewriteProgram(program, (operation, _, { mapped, keep }) => {
    if (operation.op === 'nn.input') return keep();
    const attributes = Object.entries(operation.attributes)
      .map(([name, value]) => `${name}=${contentKey(program, value, hashes)}`)
      .sort();
    const key = [operation.op, operation.operands.map(mapped).join(), ...attributes].join(';');
    const value = known.get(key) ?? keep();
    known.set(key, value);
    return value;
  });
}

/** What a chain of one operator amounts to: the attribute and how two of them combine. */
const chains: Readonly<
  Record<string, { attribute: string; combine: (inner: number, outer: number) => number }>
> = {
  'nn.add-constant': { attribute: 'value', combine: (inner, outer) => inner + outer },
  'nn.scale': { attribute: 'factor', combine: (inner, outer) => inner * outer },
};

/** Two factors, two offsets, two signs or two reshapes in a row become one where nothing reads between. */
function mergeChains(program: Program): Program {
  const users = usersOf(program);
  const outputs = new Set(program.outputs.map(({ value }) => value));
  const between = (value: ValueId): boolean => users[value]?.length === 1 && !outputs.has(value);
  return rewriteProgram(program, (operation, _, { builder, mapped, keep }) => {
    const [x] = operation.operands;
    if (x === undefined || operation.op !== operationOf(program, x).op || !between(x))
      return keep();
    const inner = builder.operation(mapped(x));
    const [source] = inner.operands;
    if (source === undefined || inner.op !== operation.op) return keep();
    const { location, type } = operation;
    if (operation.op === 'nn.negate') return source;
    if (operation.op === 'nn.reshape') {
      return builder.add('nn.reshape', [source], operation.attributes, {
        location,
        range: type.range,
      });
    }
    const chain = chains[operation.op];
    if (chain === undefined) return keep();
    const constant = (of: Operation): Tensor => builder.constantValue(textOf(of, chain.attribute));
    const merged = zipTensors(constant(inner), constant(operation), chain.combine);
    if (!merged.data.every(Number.isFinite)) return keep();
    const reference = builder.constant(merged, `${location ?? 'merged'}.${chain.attribute}`);
    return builder.add(
      operation.op,
      [source],
      { [chain.attribute]: reference },
      { location, range: type.range },
    );
  });
}
