/** Fix how every linear map is evaluated: its giant step. */
import { invariant } from '../errors.ts';
import { opContext, rewriteProgram } from '../ir/build.ts';
import { entryCount } from '../ir/linear-map.ts';
import { affineOf, affineSchema } from '../ir/nn/linear.ts';
import { layoutBeforeFold, mostCopies } from '../ir/packed/diagonals.ts';
import { methodSchema } from '../ir/packed/linear.ts';
import { slottedType } from '../ir/packed/values.ts';
import { layoutSchema } from '../ir/layout-schema.ts';
import { operationOf } from '../ir/program.ts';
import { definePass } from './define-pass.ts';
import { levelsBelow, sharedLevelsOf } from './packing/depth.ts';
import { linearCosts, planLinear } from './packing/plan-linear.ts';
import { likelySpecialPrimes } from './params/special-primes.ts';

/** Steps of a budget of work that the passes behind take for a product: noise, rotations, the plan. */
const perTerm = 60;

export default definePass({
  name: 'lower-linear',
  summary:
    'Lower linear maps to diagonals: the baby-step giant-step split of the least modelled time.',
  phase: 'packed',
  run(program, context) {
    const special = likelySpecialPrimes(program, context);
    const below =
      context.shareRescales === true
        ? levelsBelow(program, sharedLevelsOf(program))
        : levelsBelow(program);
    return rewriteProgram(program, (operation, id, { builder, mapped, keep }) => {
      if (operation.op !== 'packed.linear') return keep();
      const types = operation.operands.map((operand) => operationOf(program, operand).type);
      const { shape, maps, bias } = operation.attributes;
      const affine = affineOf(
        types,
        affineSchema.parse({ shape, maps, bias }),
        opContext(program.constants, null, operation.location),
      );
      const layout = layoutSchema.parse(operation.attributes['layout']);
      const method = methodSchema.parse(operation.attributes['method']);
      const copies = mostCopies(layoutBeforeFold(layout, method.fold));
      for (const map of affine.maps) context.work?.spend(perTerm * copies * entryCount(map));
      const plan = planLinear(
        affine.maps,
        types.map((type) => slottedType(type).layout),
        layout,
        method.fold,
        linearCosts(context.options, context.ringDegree, (below[id] ?? 0) + 2, special),
      );
      invariant(Number.isFinite(plan.rotations), 'a giant step was found');
      context.note({
        kind: 'figure',
        name: `${operation.location ?? `%${id}`} rotations`,
        value: plan.rotations,
      });
      context.note({
        kind: 'figure',
        name: `${operation.location ?? `%${id}`} diagonals`,
        value: plan.diagonals,
      });
      return builder.add(
        operation.op,
        operation.operands.map(mapped),
        { ...operation.attributes, method: { fold: method.fold, giantStep: plan.giantStep } },
        { location: operation.location, range: operation.type.range },
      );
    });
  },
});
