import { describe, expect, test } from 'vitest';
import { CipherloomError } from '../../src/errors.ts';
import { parseArguments } from '../../src/cli/parse-arguments.ts';
import { outputOption } from '../../src/cli/shared-options.ts';
import options from './fixtures/options-command.ts';

function refused(...words: string[]): CipherloomError {
  try {
    parseArguments(options, words);
  } catch (error) {
    expect(error).toBeInstanceOf(CipherloomError);
    expect(error).toMatchObject({ code: 'USAGE', exit: 2, phase: 'cli' });
    return error as CipherloomError;
  }
  throw new Error(`${words.join(' ')} was accepted`);
}

test('arguments are parsed, converted and given their defaults', () => {
  const words =
    'one --batch=2 --input-range -1.5,1e2 --input-shape a=b=1,3 --input-shape c=4 ' +
    '--max-key-bytes 1.5GiB --prime-bits 60,40 -o out/x --force --silence CALIBRATION_SMALL -- --two';
  const { args, global } = parseArguments(options, words.split(' '));
  expect(args).toEqual({
    first: 'one',
    others: ['--two'],
    batch: 2,
    inputRange: { name: null, range: [-1.5, 100] },
    inputShape: [
      { name: 'a=b', shape: [1, 3] },
      { name: 'c', shape: [4] },
    ],
    maxKeyBytes: 1.5 * 2 ** 30,
    primeBits: [60, 40],
    target: 'portable',
    force: true,
    output: 'out/x',
  });
  expect(global).toEqual({
    json: false,
    quiet: false,
    help: false,
    silence: ['CALIBRATION_SMALL'],
  });
});

test.each(['-o', '--out', '--output'])('%s names the output', (name) => {
  expect(parseArguments(options, ['one', name, 'x y']).args).toMatchObject({ output: 'x y' });
  expect(parseArguments(options, ['one', `${name}=x=y`]).args).toMatchObject({ output: 'x=y' });
});

test('a word is a word even where it looks like a number or a name of Object', () => {
  const { args } = parseArguments(options, ['007', '-9', 'constructor', '1e3']);
  expect(args).toMatchObject({ first: '007', others: ['-9', 'constructor', '1e3'] });
});

test('--help wins over what is missing', () => {
  expect(parseArguments(options, ['--help']).global.help).toBe(true);
});

describe('what is refused', () => {
  test.each([
    [['--batch', 'abc'], '--batch', 'whole number from 1 to 8, got "abc"'],
    [['--batch', '2.5'], '--batch', 'got "2.5"'],
    [['--batch', '0x2'], '--batch', 'got "0x2"'],
    [['--batch', '1e1'], '--batch', 'got "1e1"'],
    [['--batch', '9'], '--batch', 'got "9"'],
    [['--batch', '-1'], '--batch', 'got "-1"'],
    [['--batch', 'Infinity'], '--batch', 'got "Infinity"'],
    [['--batch'], '--batch', 'needs a value: --batch N'],
    [['--batch='], '--batch', 'needs a value: --batch N'],
    [['--batch', '--force'], '--batch', 'needs a value: --batch N'],
    [['--batch', '1', '--batch', '2'], '--batch', 'more than once'],
    [['-o', 'a', '--out', 'b'], '--output', 'more than once'],
    [['--input-range', '1,0'], '--input-range', 'LO below HI'],
    [['--input-range', '0,NaN'], '--input-range', 'got "0,NaN"'],
    [['--input-range', '0'], '--input-range', 'got "0"'],
    [['--input-range', '=0,1'], '--input-range', 'NAME=LO,HI'],
    [['--input-shape', 'a=1', '--input-shape', 'a=0'], '--input-shape', 'got "a=0"'],
    [['--max-key-bytes', '5 parsecs'], '--max-key-bytes', 'number of bytes'],
    [['--max-key-bytes', '1constructor'], '--max-key-bytes', 'number of bytes'],
    [['--prime-bits', '60,,40'], '--prime-bits', 'from 20 to 60'],
    [['--prime-bits', '61'], '--prime-bits', 'from 20 to 60'],
    [['--target', 'Native'], '--target', 'one of portable, native'],
    [['--force=yes'], '--force', 'takes no value'],
    [['--force', '--force'], '--force', 'more than once'],
    [['--silence', 'NOT_A_WARNING'], '--silence', 'warning identifiers'],
  ])('%j is refused, and names the option', (words, option, message) => {
    const error = refused('one', ...words);
    expect(error).toMatchObject({ node: option, details: { option } });
    expect(error.message).toContain(option);
    expect(error.message).toContain(message);
    expect(error.hint).toBeTruthy();
  });

  test.each([
    ['--btach', '--batch'],
    ['--input-rang=0,1', '--input-range'],
    ['--outptu', '--output'],
    ['--inputRange', '--input-range'],
  ])('%s is unknown, and %s is what was meant', (typed, meant) => {
    const error = refused('one', typed);
    expect(error.message).toContain(`no option ${typed.split('=')[0]!}`);
    expect(error.hint).toContain(`did you mean ${meant}?`);
  });

  test.each([
    '--__proto__',
    '--constructor=1',
    '--a.b',
    '--no-force',
    '-x',
    '-of',
    '-out',
    '--o',
    '-'.repeat(3),
  ])('%s is unknown', (typed) => {
    expect(refused('one', typed).message).toContain('no option -');
  });

  test('what is missing or superfluous is named', () => {
    expect(refused().message).toContain('needs FIRST');
    expect(refused('').message).toContain('FIRST is empty');
    const command = { ...options, positional: {} };
    expect(() => parseArguments(command, ['x'])).toThrow('does not take "x"');
    const required = { ...options, options: { output: outputOption } };
    expect(() => parseArguments(required, ['x'])).toThrow('--output PATH is missing');
  });
});
