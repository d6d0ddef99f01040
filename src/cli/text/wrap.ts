/** Lines of at most `columns` characters, broken at blanks; a longer word has a line of its own. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** Wrapped text behind a head; the lines after the first are indented to the width of the head. */
export function wrapBehind(head: string, text: string, columns: number): string[] {
  const indent = ' '.repeat(head.length);
  return wrap(text, Math.max(20, columns - head.length)).map(
    (line, n) => `${n === 0 ? head : indent}${line}`,
  );
}
