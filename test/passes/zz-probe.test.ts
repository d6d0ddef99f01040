import { it } from 'vitest';
import { randomExpression, lowerAnd, slotContext, slotOps } from '../support/slot-programs.ts';
import placeRescales from '../../src/passes/place-rescales.ts';
import placeRelins from '../../src/passes/place-relins.ts';
import budgetLevels from '../../src/passes/budget-levels.ts';
import chooseParameters from '../../src/passes/choose-parameters.ts';
import matchScales from '../../src/passes/match-scales.ts';
import { verify } from '../../src/ir/verify.ts';
import { printProgram } from '../../src/ir/print.ts';
import { depthOf } from '../../src/passes/packing/depth.ts';
it('probe', () => {
  const tally = new Map<string, number>();
  const shown = new Map<string, string>();
  for (let seed = 0; seed < 1500; seed++) {
    const source = randomExpression(seed, 1 + (seed % 10));
    if (depthOf(source) > 9) continue;
    let at = 'lower';
    try {
      let p = lowerAnd(source, []);
      for (const pass of [
        placeRescales,
        placeRelins,
        budgetLevels,
        chooseParameters,
        matchScales,
      ]) {
        at = pass.name;
        p = pass.run(p, slotContext({ precisionBits: 1 }));
        verify(p);
      }
      tally.set('ok', (tally.get('ok') ?? 0) + 1);
    } catch (e) {
      const key = `${at}: ${(e as { code?: string }).code}: ${(e as Error).message.replace(/[\d.]+/g, 'N').slice(0, 90)}`;
      tally.set(key, (tally.get(key) ?? 0) + 1);
      const text = slotOps(source).join(' ');
      if ((shown.get(key)?.length ?? 1e9) > printProgram(source).length)
        shown.set(key, printProgram(source));
    }
  }
  console.log(tally);
  for (const [k, v] of shown) console.log(k, '\n', v);
}, 300000);
