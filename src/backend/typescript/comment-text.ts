/** Text from a model inside comments of generated code. */
import { stringLiteral } from './literals.ts';

const longest = 64;

/** A quoted name for a comment: never the end of the comment, a tag or a link. */
export function commentedName(name: string): string {
  const shown = commentedCode(stringLiteral(name.slice(0, longest)));
  return name.length > longest ? `${shown}…` : shown;
}

/**
 * Code for an example in a comment.
 *
 * What is replaced stands in string literals only, where the escapes mean the same: the example
 * can be copied.
 */
export function commentedCode(code: string): string {
  return code.replaceAll('*/', '*\\/').replaceAll('@', '\\u0040').replaceAll('`', '\\u0060');
}

/** A number for a reader: at most `digits` after the point. */
export function commentedNumber(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}
