/**
 * IR of the example networks after each phase. Update with `vitest -u`, and read the difference.
 *
 * Weights stand in them as hashes: they are float32, sums of products in a fixed order, so the same
 * on every machine.
 */
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { compileUntil } from '../../src/compile.ts';
import { parseProgram } from '../../src/ir/parse.ts';
import { printProgram } from '../../src/ir/print.ts';
import type { Program } from '../../src/ir/program.ts';
import { verify } from '../../src/ir/verify.ts';
import { passes } from '../../src/passes/index.ts';
import { mnistCalibration, mnistModel } from '../support/example-networks.ts';

const phases = [
  ['nn', 'fuse-linear'],
  ['packed', 'lower-linear'],
  ['ckks', 'choose-rotations'],
] as const;

describe.each(['lola', 'cryptonets', 'relu'])('%s', (network) => {
  /** After each pass, of the ring degree that was chosen. */
  const stages = new Map<string, Program>();

  beforeAll(() => {
    compileUntil(mnistModel(network), {
      calibration: mnistCalibration(),
      afterPass: (pass, program) => stages.set(pass.name, program),
    });
  });

  it.each(phases)('%s, after %s', async (phase, pass) => {
    const file = path.join(import.meta.dirname, 'golden', `${network}.${phase}.ir`);
    await expect(printProgram(stages.get(pass)!)).toMatchFileSnapshot(file);
  });

  it.each(passes.map(({ name }) => name))('after %s the text reads back', (pass) => {
    const program = stages.get(pass)!;
    const text = printProgram(program);
    const read = parseProgram(text, program.constants);
    expect(printProgram(read)).toBe(text);
    verify(read);
  });

  it('fused weights are float32', () => {
    const program = stages.get('fuse-linear')!;
    const linear = program.operations.filter(({ op }) => op === 'nn.linear');
    expect(linear.length).toBeGreaterThan(0);
    for (const [name, { data }] of program.constants) {
      if (name.endsWith('.weights')) expect(data.every((w) => w === Math.fround(w))).toBe(true);
    }
  });
});
