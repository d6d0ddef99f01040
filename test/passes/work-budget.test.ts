import { describe, expect, it } from 'vitest';
import calibrateRanges from '../../src/passes/calibrate-ranges.ts';
import choosePacking from '../../src/passes/choose-packing.ts';
import type { PassContext } from '../../src/passes/define-pass.ts';
import fuseLinear from '../../src/passes/fuse-linear.ts';
import { limitedWork, WorkExceeded } from '../../src/passes/work-budget.ts';
import { writeProgram } from '../support/small-programs.ts';
import { slotContext } from '../support/slot-programs.ts';

const dense = writeProgram(({ input, dense: layer }) => [layer(input([1, 64]), 64, 32)]);
const twoConvolutions = writeProgram(({ input, conv }) => [
  conv(conv(input([1, 1, 8, 8]), 1, 2), 2, 2),
]);

/** A context whose budget is of so many steps, and how many of them are spent. */
function limited(steps: number): { readonly context: PassContext; readonly spent: () => number } {
  const { spend, hold } = limitedWork({ steps, bytes: 2 ** 20 });
  let spent = 0;
  const work = {
    hold,
    spend(own: number) {
      spent += own;
      spend(own);
    },
  };
  return { context: { ...slotContext({}, 4096, []), work }, spent: () => spent };
}

describe('a budget of work', () => {
  it('ends with the first step too many, and with more memory at once than it has', () => {
    const { spend, hold } = limitedWork({ steps: 10, bytes: 1000 });
    spend(4);
    spend(6);
    hold(1000);
    hold(1000);
    expect(() => {
      spend(1);
    }).toThrow(WorkExceeded);
    expect(() => {
      hold(1001);
    }).toThrow(WorkExceeded);
  });

  const fused = fuseLinear.run(dense, slotContext({}, 4096, []));
  it.each([
    ['calibrate-ranges', calibrateRanges, dense],
    ['fuse-linear', fuseLinear, twoConvolutions],
    ['choose-packing', choosePacking, fused],
  ])('counts alike each time in %s, and ends it there', (_, pass, program) => {
    const free = limited(1e12);
    const result = pass.run(program, free.context);
    // Less than a second for 2,048 products, and more than one step each.
    expect(free.spent()).toBeGreaterThan(2048);
    expect(free.spent()).toBeLessThan(1e9);
    const enough = limited(free.spent());
    expect(pass.run(program, enough.context)).toEqual(result);
    expect(() => pass.run(program, limited(free.spent() - 1).context)).toThrow(WorkExceeded);
  });
});
