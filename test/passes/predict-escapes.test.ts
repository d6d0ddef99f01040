import { describe, expect, it } from 'vitest';
import { compileUntil } from '../../src/compile.ts';
import type { CompileRequest } from '../../src/compile.ts';
import { figureOf } from '../../src/passes/define-pass.ts';
import { mnistCalibration, mnistModel } from '../support/example-networks.ts';

const calibration = mnistCalibration();
const escapes = (name: string, request: CompileRequest) => {
  const { notes } = compileUntil(mnistModel(name), { ...request, stopAfter: 'predict-escapes' });
  const nodes = (notes.get('predict-escapes') ?? []).flatMap((note) =>
    note.kind === 'escape' ? [note] : [],
  );
  return { nodes, total: figureOf(notes, 'rangeEscape') };
};

describe('predict-escapes', () => {
  it('a network of squares: each calibrated node, and at most the sum of all', () => {
    const { nodes, total } = escapes('lola', { calibration });
    expect(nodes.map(({ node }) => node)).toEqual(['/dense1/Gemm', '/square2/Mul', '/dense2/Gemm']);
    expect(total).toBeCloseTo(
      nodes.reduce((sum, { probability }) => sum + probability, 0),
      15,
    );
    // Twice the largest value of 128 digits is far, but not beyond thought.
    expect(total).toBeGreaterThan(0);
    expect(total).toBeLessThan(1e-3);
  });

  it('approximated activations: the range of the fit, which is nearer than that of the value', () => {
    const { nodes, total } = escapes('relu', { calibration });
    const of = (name: string) => nodes.find(({ node }) => node === name)?.probability ?? 0;
    expect(of('/relu2/Relu')).toBeGreaterThan(of('/conv2/Conv'));
    expect(total).toBeLessThan(0.1);
  });

  it('says nothing on synthetic inputs, on one number throughout and on few images', () => {
    const image = new Float64Array(784).fill(0.5);
    const few = new Map([['image', calibration.get('image')!.slice(0, 7)]]);
    expect(escapes('lola', {}).total).toBeNull();
    expect(escapes('lola', { calibration: new Map([['image', [image]]]) }).total).toBeNull();
    expect(escapes('lola', { calibration: few }).total).toBeNull();
  });
});
