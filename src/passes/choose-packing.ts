/** Choose a layout for every value: nn program to packed program. */
import { invariant } from '../errors.ts';
import { buildProgram } from '../ir/build.ts';
import { identityMap } from '../ir/linear-map.ts';
import { affineToAttributes } from '../ir/nn/linear.ts';
import { unusedOf } from '../ir/packed/values.ts';
import type { Attribute, Program, ValueId } from '../ir/program.ts';
import { isPublicInput, publicOperand } from '../ir/public-values.ts';
import { samePlaces, zeroUnused } from '../layout/layout.ts';
import { definePass } from './define-pass.ts';
import type { Candidate } from './packing/candidates.ts';
import { leavesSums, leftoverBound } from './packing/leftovers.ts';
import { mapsOf, rangesOf } from './packing/linear-operands.ts';
import { searchLayouts } from './packing/search-layouts.ts';
import { batchOf, spacesOf } from './packing/spaces.ts';

export default definePass({
  name: 'choose-packing',
  summary: 'Choose a layout for every value, by modelled cost.',
  phase: 'packed',
  run(program, context) {
    const found = spacesOf(context, batchOf(context)).map((space) =>
      searchLayouts(program, context, space),
    );
    const [first, ...others] = found;
    invariant(first !== undefined, 'some packing holds the batch');
    const best = others.reduce((a, b) => (b.seconds < a.seconds ? b : a), first);
    for (const note of best.notes) context.note(note);
    return toPacked(program, best.choices);
  },
});

/** Write the packed program; a binary operation on unlike layouts gets an identity map in front. */
function toPacked(program: Program, choices: readonly Candidate[]): Program {
  const builder = buildProgram(program.name, program);
  const values: ValueId[] = [];
  program.operations.forEach((operation, id) => {
    const choice = choices[id];
    invariant(choice !== undefined, 'every value has a layout');
    const layout = choice.layout as unknown as Attribute;
    const options = { location: operation.location, range: operation.type.range };
    const operands = operation.operands.map((operand) => values[operand] ?? -1);
    const { attributes } = operation;
    const name = operation.op.replace('nn.', 'packed.');
    const known = publicOperand(program, operation);
    if (isPublicInput(operation)) {
      values[id] = -1;
    } else if (known !== null && (operation.op === 'nn.add' || operation.op === 'nn.mul')) {
      const { x, value, range } = known;
      const op = operation.op === 'nn.add' ? 'packed.add-public' : 'packed.multiply-public';
      values[id] = builder.add(op, [values[x] ?? -1], { value, range }, options);
    } else if (operation.op === 'nn.input') {
      const { name: inputName = '', range = null } = attributes;
      values[id] = builder.add(name, [], { name: inputName, layout, range }, options);
    } else if (operation.op === 'nn.linear') {
      const method = { giantStep: 0, fold: choice.fold as unknown as Attribute };
      const unused = leavesSums(choice)
        ? unusedOf(leftoverBound(mapsOf(program, operation), rangesOf(program, operation)))
        : zeroUnused;
      const made = { ...choice.layout, unused } as unknown as Attribute;
      values[id] = builder.add(name, operands, { ...attributes, layout: made, method }, options);
    } else if (operation.op === 'nn.polynomial') {
      values[id] = builder.add(name, operands, attributes, options);
    } else {
      const [a = -1, b = -1] = operands;
      const typeA = builder.typeOf(a);
      const typeB = builder.typeOf(b);
      invariant(typeA.kind === 'vector' && typeB.kind === 'vector', 'packed values are vectors');
      let second = b;
      if (!samePlaces(typeA.layout, typeB.layout)) {
        const shape = typeB.layout.shape;
        const affine = { maps: [identityMap(shape)], bias: null };
        second = builder.add(
          'packed.linear',
          [b],
          {
            ...affineToAttributes(builder, affine, shape, 'move'),
            layout: { ...typeA.layout, unused: { kind: 'zero' } } as unknown as Attribute,
            method: { giantStep: 0, fold: null },
          },
          { location: operation.location, range: typeB.range },
        );
      }
      values[id] = builder.add(name, [a, second], attributes, options);
    }
  });
  return builder.finish(
    program.outputs.map((output) => ({ ...output, value: values[output.value] ?? -1 })),
  );
}
