import { expect, test } from 'vitest';
import {
  bitText,
  byteText,
  numberText,
  shareText,
  timeText,
} from '../../../src/cli/text/figures.ts';
import { textTable } from '../../../src/cli/text/table.ts';

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.00 KiB'],
  [1536, '1.50 KiB'],
  [10_240, '10.0 KiB'],
  [1_048_575, '1.00 MiB'],
  [20_838_144, '19.9 MiB'],
  [3 * 2 ** 40, '3.00 TiB'],
  [null, '–'],
])('%s bytes are %s', (bytes, text) => {
  expect(byteText(bytes)).toBe(text);
});

test.each([
  [0.123, '0.12 ms'],
  [99.96, '100 ms'],
  [999.4, '999 ms'],
  [999.6, '1.00 s'],
  [12_340, '12.3 s'],
  [125_000, '2 min 05 s'],
  [null, '–'],
])('%s ms are %s', (ms, text) => {
  expect(timeText(ms)).toBe(text);
});

test('a share of less than all never reads as all', () => {
  expect(shareText(1)).toBe('100 %');
  expect(shareText(0.999999)).toBe('99.99 %');
  expect(shareText(0.985)).toBe('98.5 %');
  expect(shareText(null)).toBe('–');
});

test('numbers have four digits, bits one behind the point', () => {
  expect(numberText(-0.000123456)).toBe('-0.0001235');
  expect(numberText(16.94972)).toBe('16.95');
  expect(bitText(13.64)).toBe('13.6 bits');
});

test('a table aligns by what is seen, not by colours', () => {
  expect(
    textTable(
      [
        ['name', 'bytes'],
        ['\u001b[1mä\u001b[22m', '10'],
      ],
      ['left', 'right'],
    ),
  ).toBe('name  bytes\n\u001b[1mä\u001b[22m        10');
  expect(textTable([])).toBe('');
});
