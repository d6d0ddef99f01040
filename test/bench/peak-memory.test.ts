import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { peakResidentBytes } from '../../bench/peak-memory.ts';

const module = new URL('../../bench/peak-memory.ts', import.meta.url).href;
const print = `const { peakResidentBytes } = await import(${JSON.stringify(module)}); console.log(peakResidentBytes());`;

test("the peak of a child is not its parent's", () => {
  const held = Buffer.alloc(512 * 2 ** 20, 1);
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', print], {
    encoding: 'utf8',
  });
  expect(peakResidentBytes()).toBeGreaterThan(held.length);
  expect(Number(output)).toBeGreaterThan(10 * 2 ** 20);
  expect(Number(output)).toBeLessThan(held.length);
});
