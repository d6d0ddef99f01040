/**
 * Values as TypeScript source, laid out as prettier lays them out at width 100 with single quotes,
 * so that generated files need no formatter and pass the one of whoever commits them.
 */
import { invariant } from '../../errors.ts';

const lineWidth = 100;

/**
 * What stands in source as it is: ASCII, and letters of scripts that read left to right.
 *
 * Everything else is escaped, because a name out of a model must not be able to hide (controls,
 * zero-width characters) or reorder (bidirectional marks) the code around it. The ranges are
 * written out: `\p{L}` would change with the Unicode version of the running Node.
 */
const latin = '\u00AA\u00B5\u00BA\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u02AF';
const greekAndCyrillic =
  '\u0386\u0388-\u038A\u038C\u038E-\u03A1\u03A3-\u03F5\u03F7-\u0481\u048A-\u052F';
const kanaHanHangul = '\u3041-\u3096\u30A1-\u30FA\u4E00-\u9FA5\uAC00-\uD7A3';
const letters = latin + greekAndCyrillic + kanaHanHangul;
const readable = new RegExp(`^[ -~\u00A1-\u00AC\u00AE-\u00BF\u00D7\u00F7${letters}]$`);
const wide = new RegExp(`^[${kanaHanHangul}]$`);
const plainKey = new RegExp(`^[A-Za-z_$${letters}][A-Za-z0-9_$${letters}]*$`);

const shortEscapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

/** Columns a line of source takes; ideographs, kana and hangul take two. */
function columns(line: string): number {
  let count = 0;
  for (const character of line) count += wide.test(character) ? 2 : 1;
  return count;
}

/** A string literal that evaluates to exactly `text`. */
export function stringLiteral(text: string): string {
  const occurrences = (quote: string): number => text.split(quote).length - 1;
  // As prettier: the other quote where that saves escapes.
  const quote = occurrences("'") > occurrences('"') ? '"' : "'";
  let body = '';
  // By code unit, so that half a surrogate pair survives too.
  for (let i = 0; i < text.length; i++) {
    const unit = text.charAt(i);
    const escaped = shortEscapes[unit];
    if (escaped !== undefined) body += escaped;
    else if (unit === quote) body += `\\${unit}`;
    else if (readable.test(unit)) body += unit;
    else body += `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  }
  return quote + body + quote;
}

/** A number literal, in the spelling that prettier leaves alone. */
export function numberLiteral(value: number): string {
  invariant(Number.isFinite(value), 'only finite numbers are written into generated code');
  return String(value).replace('e+', 'e');
}

/** The key of a property in an object literal. */
export function propertyKey(name: string): string {
  // As a plain key it would set the prototype instead of making a property.
  if (name === '__proto__') return "['__proto__']";
  return plainKey.test(name) ? name : stringLiteral(name);
}

/**
 * A property and its comma; the value may span lines, and goes to a line of its own where the key
 * leaves it no room.
 */
export function property(
  name: string,
  column: number,
  value: (place: ListPlace) => string,
): string {
  const key = propertyKey(name);
  const beside = value({ column, before: `${key}: `, after: ',' });
  const [first = ''] = beside.split('\n', 1);
  if (column + columns(first) <= lineWidth) return beside;
  return `${key}:\n${indented(value({ column: column + 2, before: '', after: ',' }))}`;
}

/** Every line moved right by one step. */
export function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}

/** The expression that reads a property. */
export function propertyAccess(object: string, name: string): string {
  return plainKey.test(name) ? `${object}.${name}` : `${object}[${stringLiteral(name)}]`;
}

/** What a list stands in. */
export interface ListPlace {
  /** Column at which its line begins once the code around it is printed. */
  readonly column: number;
  readonly before: string;
  readonly after: string;
}

/** One line `before[items]after` where it fits, else an item a line. */
export function listLiteral(items: readonly string[], place: ListPlace): string {
  return fits(items, place) ? flat(items, place) : broken(items, place);
}

/** As `listLiteral`, but several numbers a line where they do not fit on one. */
export function numbersLiteral(numbers: readonly number[], place: ListPlace): string {
  const items = numbers.map(numberLiteral);
  if (fits(items, place)) return flat(items, place);
  const lines: string[] = [];
  for (const item of items) {
    const joined = `${lines.at(-1) ?? ''}, ${item}`;
    if (lines.length > 0 && place.column + 2 + columns(`${joined},`) <= lineWidth) {
      lines[lines.length - 1] = joined;
    } else {
      lines.push(item);
    }
  }
  return broken(lines, place);
}

/** The parameters of a function, between its name and its return type. */
export function parametersLiteral(parameters: readonly string[], place: ListPlace): string {
  return fits(parameters, place) ? flat(parameters, place, '()') : broken(parameters, place, '()');
}

function flat(items: readonly string[], { before, after }: ListPlace, brackets = '[]'): string {
  return `${before}${brackets.charAt(0)}${items.join(', ')}${brackets.charAt(1)}${after}`;
}

function fits(items: readonly string[], place: ListPlace): boolean {
  return items.length === 0 || place.column + columns(flat(items, place)) <= lineWidth;
}

function broken(lines: readonly string[], { before, after }: ListPlace, brackets = '[]'): string {
  const inner = lines.map((line) => `  ${line},`);
  return [`${before}${brackets.charAt(0)}`, ...inner, `${brackets.charAt(1)}${after}`].join('\n');
}
