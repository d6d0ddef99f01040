import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../src/ir/build.ts';
import { parseProgram } from '../../src/ir/parse.ts';
import { hashConstant, inlineElements, printNumber, printProgram } from '../../src/ir/print.ts';
import type { Attribute, Program } from '../../src/ir/program.ts';
import { rational } from '../../src/ir/rational.ts';
import { tensor } from '../../src/ir/tensor.ts';
import { verify } from '../../src/ir/verify.ts';
import matchScales from '../../src/passes/match-scales.ts';
import budgetLevels from '../../src/passes/budget-levels.ts';
import chooseParameters from '../../src/passes/choose-parameters.ts';
import placeRelins from '../../src/passes/place-relins.ts';
import placeRescales from '../../src/passes/place-rescales.ts';
import { errorOf } from '../support/error-of.ts';
import { randomLayouts } from '../support/random-layouts.ts';
import { plainSteps, randomPrograms } from '../support/random-programs.ts';
import { lowerAnd, randomExpressions, slotContext } from '../support/slot-programs.ts';

const hostileNames = [
  '',
  ' ',
  '"',
  '\\',
  'a"b\\"c',
  'two\nlines\r\n%9 = nn.input() {}',
  'tab\there',
  '#l0',
  '%1',
  '// comment',
  ' loc "x"',
  '} : tensor [1]',
  '__proto__',
  'constructor',
  'toString',
  'Größe 図 🎉',
  '\u2028\u2029\u0085',
  '\ud800 lone',
  '\u0000\u001b[31m',
  'x'.repeat(5000),
];

function roundTrip(program: Program): Program {
  const text = printProgram(program);
  const read = parseProgram(text, program.constants);
  expect(printProgram(read)).toBe(text);
  return read;
}

/** One input of a name, added to itself. */
function named(name: string, location = name): Program {
  const builder = buildProgram(name);
  const x = builder.add('nn.input', [], { name, shape: [1, 2], range: [0, 1] }, { location });
  const y = builder.add('nn.add', [x, x], {}, { location });
  return builder.finish([{ name, value: y, postprocess: [{ op: 'softmax', axis: 1 }] }]);
}

describe('print ∘ parse ∘ print is the identity', () => {
  it('on random nn programs', () => {
    fc.assert(
      fc.property(
        randomPrograms(
          { steps: [...plainSteps, 'activation', 'averagePool', 'concat'], tails: true },
          10,
        ),
        (program) => {
          const read = roundTrip(program);
          verify(read);
          expect(read.operations).toEqual(program.operations);
          expect(read.outputs).toEqual(program.outputs);
        },
      ),
      { numRuns: 150, seed: 1 },
    );
  });

  it('on random packed and ckks programs, scales and levels exact', () => {
    const passes = [placeRescales, placeRelins, budgetLevels, chooseParameters, matchScales];
    fc.assert(
      fc.property(randomExpressions(5), (source) => {
        roundTrip(source);
        roundTrip(lowerAnd(source, passes.slice(0, 3)));
        const program = lowerAnd(source, passes, slotContext({ precisionBits: 1 }));
        const read = roundTrip(program);
        verify(read);
        expect(read.operations).toEqual(program.operations);
        expect(read.modulus).toEqual(program.modulus);
      }),
      { numRuns: 40, seed: 2 },
    );
  });

  it.each(hostileNames)('with the name %j everywhere', (name) => {
    const program = named(name);
    verify(program);
    const read = roundTrip(program);
    expect(read).toEqual(program);
    expect(printProgram(program).split('\n')).toHaveLength(5);
  });

  it('with any name', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: 'binary' }),
        (name, location) => {
          fc.pre(!name.startsWith('@'));
          const program = named(name, location);
          expect(roundTrip(program)).toEqual(program);
        },
      ),
      { numRuns: 200, seed: 3 },
    );
  });

  it('with any layout, any number', () => {
    fc.assert(
      fc.property(
        randomLayouts(),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        (layout, hi) => {
          const bound = Math.abs(hi);
          const range: Attribute = [-bound, bound];
          const builder = buildProgram('p');
          const attributes = { name: 'x', layout: layout as unknown as Attribute, range };
          const x = builder.add('packed.input', [], attributes);
          expect(
            roundTrip(builder.finish([{ name: 'y', value: x, postprocess: [] }])).operations,
          ).toEqual(builder.finish([{ name: 'y', value: x, postprocess: [] }]).operations);
        },
      ),
      { numRuns: 100, seed: 4 },
    );
  });

  it.each([-0, 0, 5e-324, 1.7976931348623157e308, 1e21, 1e-7, Infinity, -Infinity, 0.1])(
    'numbers: %d',
    (value) => {
      const builder = buildProgram('p');
      const x = builder.add('nn.input', [], { name: 'x', shape: [1], range: [0, 1] });
      const c = builder.constant(tensor([1], [value]), 'c');
      const y = builder.add('nn.add-constant', [x], { value: c });
      const program = builder.finish([{ name: 'y', value: y, postprocess: [] }]);
      const read = roundTrip(program);
      expect([...read.constants.values()][0]!.data[0]).toBe(value);
      expect(Object.is(Number(printNumber(value)), value)).toBe(true);
    },
  );
});

describe('constants', () => {
  const large = tensor([inlineElements + 1], new Array<number>(inlineElements + 1).fill(0.5));
  const text = [
    'program "p"',
    `@w = [${inlineElements + 1}] sha256:${hashConstant(large)}`,
    '%0 = nn.input() {name = "x", range = [0, 1], shape = [1]} : tensor [1] in [0, 1] declared',
    'output "y" = %0 then []',
  ].join('\n');

  it('of few elements are written out, larger ones by hash and given', () => {
    expect(parseProgram(text, new Map([['w', large]])).constants.get('w')).toBe(large);
  });

  it.each([
    ['is not given', new Map()],
    ['has another hash', new Map([['w', tensor([17], new Array<number>(17).fill(0.25))]])],
    ['has another shape', new Map([['w', tensor([1, 17], large.data)]])],
  ])('a constant that %s is refused', (reason, constants) => {
    expect(errorOf(() => parseProgram(text, constants)).message).toContain(reason);
  });
});

describe('parse errors', () => {
  const good = printProgram(named('x'));
  const cases: [what: string, edit: (text: string) => string, line: number, column: number][] = [
    ['an unknown line', (t) => t.replace('output', 'result'), 4, 1],
    ['a missing operand', (t) => t.replace('(%0, %0)', '(%0, )'), 3, 17],
    ['a value out of order', (t) => t.replace('%1 =', '%7 ='), 3, 3],
    ['an unclosed string', (t) => t.replace('loc "x"', 'loc "x'), 2, 95],
    ['rest of a line', (t) => t.replace('then [', 'then [] ['), 4, 22],
    ['an undefined layout', (t) => t.replace(': tensor [1, 2]', ': vector #l9'), 2, 75],
    ['an unknown range source', (t) => t.replace('declared', 'guessed'), 2, 90],
    ['no value', (t) => t.replace('range = [0, 1]', 'range = [0, ]'), 2, 41],
    ['steps that no client knows', (t) => t.replace('softmax', 'eval'), 4, 49],
  ];

  it.each(cases)('%s: line and column', (_, edit, line, column) => {
    const text = edit(good);
    expect(text).not.toBe(good);
    const error = errorOf(() => parseProgram(text));
    expect(error.code).toBe('IR_INVALID');
    expect(error.exit).toBe(3);
    expect(error.message).toMatch(new RegExp(`^line ${line}, column `));
    expect(error.details['line']).toBe(line);
    expect(Math.abs(Number(error.details['column']) - column)).toBeLessThanOrEqual(6);
  });

  it('count blanks before a line', () => {
    const error = errorOf(() => parseProgram('program "p"\n    oops'));
    expect(error.message).toContain('line 2, column 5');
  });

  it.each([
    ['exactly one program line', ''],
    ['exactly one program line', 'program "a"\nprogram "b"'],
    ['constant @c is defined twice', 'program "a"\n@c = [] [1]\n@c = [] [2]'],
    ['@c has 1 elements, not 2', 'program "a"\n@c = [2] [1]'],
    ['expected a layout', 'program "a"\n#l0 = {"shape":[1]}'],
    ['expected a layout', 'program "a"\n#l0 = nonsense'],
    ['expected a layout', `program "a"\n#l0 = ${'['.repeat(100_000)}`],
    ['expected a number', 'program "a"\n@c = [1] [NaN]'],
    [
      '2 or 3 polynomials',
      `program "a"\n#l0 = ${JSON.stringify({ shape: [1], slots: 2, ciphertexts: 1, origin: [0], digits: [], unused: { kind: 'zero' } })}\n%0 = ckks.x() {} : ciphertext #l0 size 4 level ? scale ?`,
    ],
  ])('%s', (reason, text) => {
    expect(errorOf(() => parseProgram(text)).message).toContain(reason);
  });

  it('nesting is bounded', () => {
    const deep = (depth: number): string =>
      `program "p"\n%0 = nn.input() {name = ${'['.repeat(depth)}${']'.repeat(depth)}} : tensor [1]`;
    expect(() => parseProgram(deep(30))).not.toThrow();
    expect(errorOf(() => parseProgram(deep(40))).message).toContain('nested too deeply');
    expect(errorOf(() => parseProgram(deep(100_000))).message).toContain('nested too deeply');
    const records = `program "p"\n%0 = nn.input() ${'{a = '.repeat(100_000)}`;
    expect(errorOf(() => parseProgram(records)).message).toContain('nested too deeply');
  });

  it('prototypes stay as they are', () => {
    const text = [
      'program "p"',
      '@__proto__ = [] [7]',
      '@constructor = [] [8]',
      '%0 = nn.input() {__proto__ = {polluted = true}, constructor = {prototype = {polluted = true}}} : tensor [1]',
    ].join('\n');
    const program = parseProgram(text);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(Object.getPrototypeOf(program.operations[0]!.attributes)).toBe(Object.prototype);
    expect(program.constants.get('__proto__')?.data[0]).toBe(7);
    expect(
      errorOf(() => {
        verify(program);
      }).code,
    ).toBe('IR_INVALID');
    expect(errorOf(() => parseProgram('program "p"\n#__proto__ = {}')).code).toBe('IR_INVALID');
    expect(
      errorOf(() => parseProgram('program "p"\n%0 = a.b() {} : vector #constructor')).message,
    ).toContain('not defined');
  });

  it('never anything but IR_INVALID, whatever is changed in a text', () => {
    const text = printProgram(
      lowerAnd(
        writeSome(),
        [placeRescales, placeRelins, budgetLevels, chooseParameters, matchScales],
        slotContext({ precisionBits: 1 }),
      ),
    );
    const constants = new Map<string, never>();
    fc.assert(
      fc.property(
        fc.nat(text.length),
        fc.nat(5),
        fc.string({ maxLength: 4 }),
        (at, removed, inserted) => {
          const broken = text.slice(0, at) + inserted + text.slice(at + removed);
          try {
            parseProgram(broken, constants);
          } catch (error) {
            expect(error).toMatchObject({ code: 'IR_INVALID' });
          }
        },
      ),
      { numRuns: 1000, seed: 5 },
    );
  });
});

/** Small constants only, so that the text stands on its own. */
function writeSome(): Program {
  const builder = buildProgram('some');
  const layout = {
    shape: [1, 2],
    slots: 4,
    ciphertexts: 1,
    origin: [0, 0],
    digits: [{ of: 1, size: 2, step: 1, place: 'slot', stride: 1 }],
    unused: { kind: 'zero' },
  };
  const x = builder.add('packed.input', [], { name: 'x', layout, range: [-1, 1] });
  const coefficients = builder.constant(tensor([3], [0.5, 0.25, 1]), 'c');
  const y = builder.add('packed.polynomial', [x], { coefficients });
  const z = builder.add('packed.sub', [y, x], {});
  return builder.finish([
    { name: 'y', value: z, postprocess: [{ op: 'argMax', axis: 1, keepDims: true }] },
  ]);
}

it('a scale that is no power of two is exact in the text', () => {
  const scale = rational(2n ** 80n, 1_099_511_590_913n);
  const builder = buildProgram('p');
  const layout = {
    shape: [1],
    slots: 2,
    ciphertexts: 1,
    origin: [0],
    digits: [],
    unused: { kind: 'zero' },
  };
  const x = builder.add('ckks.input', [], {
    name: 'x',
    layout,
    range: [0, 1],
    level: 0,
    scale: `${scale.numerator}/${scale.denominator}`,
  });
  const read = roundTrip(builder.finish([{ name: 'y', value: x, postprocess: [] }]));
  expect(read.operations[0]!.type).toMatchObject({ scale });
});
