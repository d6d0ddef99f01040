/** Bound every value by proof where that suffices, else by what is seen on calibration data. */
import { rewriteProgram } from '../ir/build.ts';
import { interpret } from '../ir/interpret.ts';
import { definePass } from './define-pass.ts';
import type { PassContext } from './define-pass.ts';
import { announceSamples } from './ranges/announce-samples.ts';
import { enoughSamples, samplesOf } from './ranges/samples.ts';
import type { Samples } from './ranges/samples.ts';
import {
  alsoSeen,
  boundBySeen,
  nothingSeen,
  refuseUnproved,
  unprovedValue,
} from './ranges/seen-range.ts';
import type { Seen, Unproved } from './ranges/seen-range.ts';

export default definePass({
  name: 'calibrate-ranges',
  summary:
    'Bound every value by proof where that suffices, else by what is seen on calibration data.',
  phase: 'nn',
  run(program, context) {
    const samples = samplesOf(program, context);
    warnOf(samples, context);
    announceSamples(program, samples.images.length, context.work);
    const seen: Seen[] = program.operations.map(() => nothingSeen);
    for (const image of samples.images) {
      interpret(program, image(), {
        observe: (id, _, value) => {
          seen[id] = alsoSeen(seen[id] ?? nothingSeen, value);
        },
      });
    }
    const unproved: Unproved[] = [];
    const bounded = rewriteProgram(program, (operation, id, { builder, mapped, keep }) => {
      if (operation.op === 'nn.input') return keep();
      const { location, attributes, type } = operation;
      const value = builder.add(operation.op, operation.operands.map(mapped), attributes, {
        location,
      });
      if (type.range !== null) builder.narrow(value, type.range);
      const own = seen[id] ?? nothingSeen;
      if (context.options.requireRangeProof) {
        const offence = unprovedValue(builder, value, own);
        if (offence !== null) unproved.push(offence);
      } else {
        boundBySeen(builder, value, own, samples);
      }
      return value;
    });
    refuseUnproved(unproved);
    context.note({ kind: 'figure', name: 'calibrationImages', value: samples.images.length });
    return bounded;
  },
});

function warnOf(
  { synthetic, images, margin, constant }: Samples,
  { warn, options }: PassContext,
): void {
  if (options.requireRangeProof) return;
  if (synthetic) {
    warn({
      id: 'CALIBRATION_SYNTHETIC',
      message: `ranges come from ${images.length} synthetic inputs, with a margin of ${margin}; --calibration X.npy gives real ones`,
    });
  } else if (constant.length > 0) {
    for (const name of constant) {
      warn({
        id: 'CALIBRATION_CONSTANT',
        message: `the calibration data of "${name}" holds one number throughout and shows no range; the margin is ${margin}: give real inputs`,
        node: name,
      });
    }
  } else if (images.length < enoughSamples) {
    warn({
      id: 'CALIBRATION_SMALL',
      message: `ranges come from ${images.length} images, with a margin of ${margin}; ${enoughSamples} or more allow a smaller one`,
    });
  }
}
