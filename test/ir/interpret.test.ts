import { describe, expect, it } from 'vitest';
import type { Value } from '../../src/ir/define-op.ts';
import { interpret } from '../../src/ir/interpret.ts';
import { tensor } from '../../src/ir/tensor.ts';
import { errorOf } from '../support/error-of.ts';
import { writeProgram } from '../support/small-programs.ts';
import { slotInputs, slotOutputs, writeSlots } from '../support/slot-programs.ts';

/** x² · x + x and, as a second output, x². */
const program = writeProgram(({ input, add }) => {
  const x = input([1, 2]);
  const square = add('nn.mul', [x, x]);
  return [add('nn.add', [add('nn.mul', [square, x]), x]), square];
});
const inputs = new Map<string, Value>([['x', { kind: 'tensor', tensor: tensor([1, 2], [2, -3]) }]]);

function data(value: Value | undefined): number[] {
  if (value?.kind !== 'tensor') throw new Error('a tensor');
  return [...value.tensor.data];
}

describe('interpret', () => {
  it('runs operations in order and names outputs', () => {
    const outputs = interpret(program, inputs);
    expect([...outputs.keys()]).toEqual(['y0', 'y1']);
    expect(data(outputs.get('y0'))).toEqual([10, -30]);
    expect(data(outputs.get('y1'))).toEqual([4, 9]);
  });

  it('shows every value once, inputs included', () => {
    const seen: [number, string, number[]][] = [];
    interpret(program, inputs, {
      observe: (id, { op }, value) => seen.push([id, op, data(value)]),
    });
    expect(seen.map(([id, op]) => `${id} ${op}`)).toEqual([
      '0 nn.input',
      '1 nn.mul',
      '2 nn.mul',
      '3 nn.add',
    ]);
    expect(seen[2]![2]).toEqual([8, -27]);
  });

  it('lets a noise model replace values, before they are shown and used', () => {
    const observed: number[][] = [];
    const outputs = interpret(program, inputs, {
      perturb: (id, _, value) =>
        id === 1 ? { kind: 'tensor', tensor: tensor([1, 2], [100, 100]) } : value,
      observe: (_, __, value) => observed.push(data(value)),
    });
    expect(observed[1]).toEqual([100, 100]);
    expect(data(outputs.get('y0'))).toEqual([202, -303]);
  });

  it('refuses a missing input by name, with those that were given', () => {
    const error = errorOf(() => interpret(program, new Map([['X', inputs.get('x')!]])));
    expect(error.code).toBe('INPUT_INVALID');
    expect(error.node).toBe('x');
    expect(error.details).toEqual({ given: ['X'] });
  });

  it('keeps an output that is used again, and one that is an input', () => {
    const echo = writeProgram(({ input, add }) => {
      const x = input([1, 1]);
      return [x, add('nn.negate', [x])];
    });
    const outputs = interpret(
      echo,
      new Map([['x', { kind: 'tensor', tensor: tensor([1, 1], [5]) }]]),
    );
    expect(data(outputs.get('y0'))).toEqual([5]);
    expect(data(outputs.get('y1'))).toEqual([-5]);
  });

  it('runs slot vectors the same way', () => {
    const slots = writeSlots(({ input, mul, sub }) => {
      const x = input();
      return [sub(mul(x, x), x)];
    });
    const given = slotInputs(slots, 1);
    const x = given.get('x');
    if (x?.kind !== 'vectors') throw new Error('vectors');
    expect(slotOutputs(slots, given)[0]).toEqual([...x.vectors[0]!].map((v) => v * v - v));
  });
});
