/**
 * Show control characters instead of obeying them.
 *
 * Names in errors come from models and file systems; a terminal must not run the escape sequences
 * in them, nor let bidirectional marks reorder the line. Newlines stay.
 */
export function escapeControl(text: string): string {
  const unsafe = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
  return text.replace(unsafe, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x100
      ? `\\x${code.toString(16).padStart(2, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}
