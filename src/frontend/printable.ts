/** Names from model files, made safe to print: they may hold anything, terminal escapes included. */

const longest = 200;

/** The text with control and direction characters, and halves of characters, written out. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** The name without control and direction characters, cut after 200 characters. */
export function printable(name: string): string {
  const escaped = visible(name.slice(0, longest));
  return name.length > longest ? `${escaped}… (${name.length} characters)` : escaped;
}

/** A printable name in quotes. */
export function quoted(name: string): string {
  return `"${printable(name)}"`;
}
