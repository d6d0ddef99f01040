import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseStrictJson } from '../../../src/server/http/strict-json.ts';

const parse = (text: string) => parseStrictJson(new TextEncoder().encode(text));

test('reads what JSON.parse reads', () => {
  fc.assert(
    fc.property(
      fc.jsonValue({ maxDepth: 8, noUnicodeString: false }),
      fc.constantFrom(undefined, 1, '\t'),
      (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        fc.pre(!text.includes('"__proto__"') && text.isWellFormed() && !/\\ud[89a-f]/.test(text));
        expect(parse(text)).toEqual(JSON.parse(text));
      },
    ),
  );
});

test('refuses what JSON.parse refuses', () => {
  const piece = fc.constantFrom('{', '}', '[', ']', ',', ':', '"a"', '1', 'null', ' ', '-', '.5');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join('');
      let expected: unknown;
      try {
        expected = JSON.parse(text);
      } catch {
        expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }));
        return;
      }
      // A key twice is the one thing in which it is stricter here.
      if (JSON.stringify(expected).length < text.replaceAll(' ', '').length) return;
      expect(parse(text)).toEqual(expected);
    }),
    { numRuns: 2000 },
  );
});

test.each([
  ['{"a":{"__proto__":1}}', '$.a.__proto__'],
  ['{"a":1,"\\u0061":2}', '$.a'],
  ['[0,"\\udfff"]', '$[1]'],
  ['{"a":[1,-1e400]}', '$.a[1]'],
  ['['.repeat(17), `$${'[0]'.repeat(16)}`],
])('%s is refused at %s', (text, path) => {
  expect(() => parse(text)).toThrow(expect.objectContaining({ node: path }));
});

test('nesting and length are bounded before they cost anything', () => {
  const at = performance.now();
  expect(() => parse('[{"a":'.repeat(1e5))).toThrow(/nested deeper than 16/);
  expect(() => parse(`"${'x'.repeat(1e6)}`)).toThrow(/expected a value/);
  expect(performance.now() - at).toBeLessThan(2000);
});
