/** Packed program to ckks program: polynomials become products, biases additions; levels come later. */
import { invariant } from '../errors.ts';
import { textOf } from '../ir/attribute-values.ts';
import { buildProgram } from '../ir/build.ts';
import type { ProgramBuilder } from '../ir/build.ts';
import type { ValueId } from '../ir/program.ts';
import { tensor } from '../ir/tensor.ts';
import { shapeOf } from '../ir/types.ts';
import type { Range } from '../ir/types.ts';
import { definePass } from './define-pass.ts';
import { treeOfOperation } from './packing/operation-tree.ts';
import type { PolynomialTree } from './packing/polynomial-tree.ts';

export default definePass({
  name: 'lower-packed',
  summary: 'Lower slot vectors to ciphertexts: polynomials to products, biases to additions.',
  phase: 'ckks',
  run(program) {
    const builder = buildProgram(program.name, program);
    const values: ValueId[] = [];
    program.operations.forEach((operation, id) => {
      const { attributes, location } = operation;
      const range = operation.type.range;
      const options = { location, range };
      const operands = operation.operands.map((operand) => values[operand] ?? -1);
      const [a = -1] = operands;
      switch (operation.op) {
        case 'packed.input':
          values[id] = builder.add(
            'ckks.input',
            [],
            { ...attributes, level: null, scale: null },
            options,
          );
          break;
        case 'packed.linear': {
          const { bias: _, ...rest } = attributes;
          const bias = attributes['bias'] === null ? null : textOf(operation, 'bias');
          const unbiased = {
            location,
            range: bias === null ? range : withoutBias(range, builder, bias),
          };
          values[id] = builder.add(
            'ckks.linear',
            operands,
            { ...rest, bias: null, plainScales: null },
            unbiased,
          );
          if (bias !== null) {
            const value = reshaped(builder, bias, shapeOf(operation.type));
            values[id] = builder.add('ckks.add-constant', [values[id]], { value }, options);
          }
          break;
        }
        case 'packed.polynomial': {
          const tree = treeOfOperation(program, operation);
          values[id] = lowerTree(builder, tree, a, location, range);
          break;
        }
        case 'packed.add-public':
          values[id] = builder.add('ckks.add-public', operands, attributes, options);
          break;
        case 'packed.multiply-public': {
          const unscaled = { ...attributes, plainScale: null };
          values[id] = builder.add('ckks.multiply-public', operands, unscaled, options);
          break;
        }
        case 'packed.add':
        case 'packed.sub':
          values[id] = builder.add(operation.op.replace('packed.', 'ckks.'), operands, {}, options);
          break;
        default:
          invariant(operation.op === 'packed.mul', `lower-packed does not know ${operation.op}`);
          values[id] =
            operands[0] === operands[1]
              ? builder.add('ckks.square', [a], {}, options)
              : builder.add('ckks.multiply', operands, {}, options);
      }
    });
    return builder.finish(
      program.outputs.map((output) => ({ ...output, value: values[output.value] ?? -1 })),
    );
  },
});

/** Bounds of a sum before its bias is added. */
function withoutBias(range: Range | null, builder: ProgramBuilder, bias: string): Range | null {
  if (range === null) return null;
  const { data } = builder.constantValue(bias);
  const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return { ...range, lo: range.lo - largest, hi: range.hi + largest };
}

function reshaped(builder: ProgramBuilder, reference: string, shape: readonly number[]): string {
  const { data } = builder.constantValue(reference);
  return builder.constant(tensor(shape, data), reference.slice(1));
}

function lowerTree(
  builder: ProgramBuilder,
  tree: PolynomialTree,
  x: ValueId,
  location: string | null,
  range: Range | null,
): ValueId {
  const done = new Map<PolynomialTree, ValueId>();
  const lower = (node: PolynomialTree): ValueId => {
    const known = done.get(node);
    if (known !== undefined) return known;
    const value = make(node);
    done.set(node, value);
    return value;
  };
  const options = { location };
  const make = (node: PolynomialTree): ValueId => {
    switch (node.kind) {
      case 'x':
        return x;
      case 'square':
        return builder.add('ckks.square', [lower(node.of)], {}, options);
      case 'product': {
        const [a, b] = [lower(node.a), lower(node.b)];
        return a === b
          ? builder.add('ckks.square', [a], {}, options)
          : builder.add('ckks.multiply', [a, b], {}, options);
      }
      case 'sum':
        return builder.add('ckks.add', [lower(node.a), lower(node.b)], {}, options);
      case 'scaled': {
        const value = builder.constant(node.by, 'coefficient');
        return builder.add(
          'ckks.multiply-constant',
          [lower(node.of)],
          { value, plainScale: null },
          options,
        );
      }
      case 'shifted': {
        const value = builder.constant(node.by, 'coefficient');
        return builder.add('ckks.add-constant', [lower(node.of)], { value }, options);
      }
    }
  };
  const value = lower(tree);
  // What is known of the polynomial's range is tighter than the interval rules of its products.
  return value === x || range === null ? value : builder.narrow(value, range);
}
