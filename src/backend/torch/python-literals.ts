/** Values as literals of Python. */
import { invariant } from '../../errors.ts';

/** A string with the same characters; JSON's escapes mean the same in Python. */
export function pythonString(text: string): string {
  return JSON.stringify(text);
}

export function pythonNumber(value: number): string {
  invariant(Number.isFinite(value), 'numbers in generated code are finite');
  return Object.is(value, -0) ? '0' : String(value);
}

/** `(1, 2)`, and `(1,)` for one element. */
export function pythonTuple(items: readonly (string | number)[]): string {
  const texts = items.map((item) => (typeof item === 'number' ? pythonNumber(item) : item));
  return texts.length === 1 ? `(${texts.join('')},)` : `(${texts.join(', ')})`;
}

export function pythonBoolean(value: boolean): string {
  return value ? 'True' : 'False';
}
