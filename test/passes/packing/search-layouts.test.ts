import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compile, compileUntil } from '../../../src/index.ts';
import { operationOf } from '../../../src/ir/program.ts';
import type { Program } from '../../../src/ir/program.ts';
import { checkLayout, zeroUnused } from '../../../src/layout/layout.ts';
import { passes } from '../../../src/passes/index.ts';
import type { Candidate } from '../../../src/passes/packing/candidates.ts';
import { searchLayouts } from '../../../src/passes/packing/search-layouts.ts';
import { spacesOf } from '../../../src/passes/packing/spaces.ts';
import type { Space } from '../../../src/passes/packing/spaces.ts';
import { slotContext } from '../../support/slot-programs.ts';

const here = (name: string): URL => new URL(name, import.meta.url);
const model = (name: string) => ({
  bytes: new Uint8Array(readFileSync(here(`../../../examples/mnist/${name}.onnx`))),
  name,
});

/** A network as choose-packing meets it. */
function fused(name: string): Program {
  const last = passes.findLast(({ phase }) => phase === 'nn');
  return compileUntil(model(name), { stopAfter: last!.name }).program;
}

type FirstLayout = Pick<Candidate['layout'], 'shape' | 'ciphertexts' | 'origin' | 'digits'> &
  Pick<Candidate, 'fold'>;

/**
 * What the compiler chose for one image when it had its first search (1a35174), by network and ring
 * degree: the layouts of the inputs and of the results of linear maps, in order.
 */
const firstLayouts = JSON.parse(readFileSync(here('first-layouts.json'), 'utf8')) as Readonly<
  Record<string, readonly FirstLayout[]>
>;

/** A space with one layout a value, the next of a list each time one is asked for. */
function fixedSpace(slots: number, layouts: readonly FirstLayout[]): Space {
  let next = 0;
  const only = (shape: readonly number[]): readonly Candidate[] => {
    const { fold, ...layout } = layouts[next++]!;
    expect(layout.shape).toEqual(shape);
    const candidate = { name: 'first', layout: { ...layout, slots, unused: zeroUnused }, fold };
    checkLayout(candidate.layout);
    return [candidate];
  };
  return { slots, inputs: only, outputs: only, withBatch: (candidate) => candidate };
}

describe('searchLayouts', () => {
  it.each(Object.keys(firstLayouts))(
    'is never worse, as modelled, than the layouts of the first search: %s',
    { timeout: 120_000 },
    (key) => {
      const [name = '', degree = ''] = key.split('.');
      const program = fused(name);
      const layouts = firstLayouts[key]!;
      expect(program.operations.filter(({ op }) => /input|linear/.test(op))).toHaveLength(
        layouts.length,
      );
      for (const target of ['portable', 'native'] as const) {
        const context = slotContext({ target }, Number(degree));
        const first = searchLayouts(program, context, fixedSpace(context.ringDegree / 2, layouts));
        const found = spacesOf(context, 1).map((space) => searchLayouts(program, context, space));
        const best = Math.min(...found.map(({ seconds }) => seconds));
        expect(first.choices).toHaveLength(program.operations.length);
        expect(best).toBeLessThanOrEqual(first.seconds);
      }
    },
  );

  it.each([2, 64, 2048])(
    'is never worse, as modelled, than one feature a ciphertext, which batches had at first: %i images',
    { timeout: 120_000 },
    async (batch) => {
      const options = { target: 'native', batch } as const;
      const chosen = await compile(model('lola'), { options });
      const first = await compile(model('lola'), {
        options: { ...options, packing: 'feature-major' },
      });
      expect(operationOf(first.program, 0).type).toMatchObject({ layout: { ciphertexts: 784 } });
      expect(chosen.report.modelledSeconds).toBeLessThanOrEqual(first.report.modelledSeconds!);
    },
  );
});
