/** JSON of strangers: no duplicate keys, no `__proto__`, no deep nesting, no broken strings. */
import { malformed } from '../request-error.ts';

const maxDepth = 16;

export type Json =
  null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * Read JSON from bytes of UTF-8.
 *
 * Cost: one pass; no recursion beyond 16 levels. Throws REQUEST_INVALID with the path in the JSON.
 */
export function parseStrictJson(bytes: Uint8Array): Json {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw malformed('the JSON is not UTF-8', { node: '$' });
  }
  const end = { at: 0 };
  const value = readValue(text, end, '$', 0);
  skipBlanks(text, end);
  if (end.at < text.length) throw refuse(text, end, '$', 'the end');
  return value;
}

interface Position {
  at: number;
}

/** Strings, numbers and names; sticky, so that each starts where the last one ended. */
const scalar =
  /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

function readValue(text: string, position: Position, path: string, depth: number): Json {
  skipBlanks(text, position);
  const open = text[position.at];
  if (open !== '{' && open !== '[') return readScalar(text, position, path);
  if (depth === maxDepth) {
    throw malformed(`${path} is nested deeper than ${maxDepth}`, {
      node: path,
      details: { path, limit: maxDepth },
    });
  }
  position.at += 1;
  return open === '['
    ? readArray(text, position, path, depth)
    : readObject(text, position, path, depth);
}

function readArray(text: string, position: Position, path: string, depth: number): Json {
  const items: Json[] = [];
  if (takes(text, position, ']')) return items;
  do {
    items.push(readValue(text, position, `${path}[${items.length}]`, depth + 1));
  } while (takes(text, position, ','));
  if (!takes(text, position, ']')) throw refuse(text, position, path, ', or ]');
  return items;
}

function readObject(text: string, position: Position, path: string, depth: number): Json {
  const object: Record<string, Json> = {};
  if (takes(text, position, '}')) return object;
  do {
    skipBlanks(text, position);
    const key = text[position.at] === '"' ? readScalar(text, position, path) : null;
    if (typeof key !== 'string') throw refuse(text, position, path, 'a name in quotes');
    const inner = `${path}.${key.slice(0, 64)}`;
    if (key === '__proto__' || Object.hasOwn(object, key)) {
      throw malformed(`${inner} ${key === '__proto__' ? 'is not a name' : 'occurs twice'}`, {
        node: inner,
        details: { path: inner },
      });
    }
    if (!takes(text, position, ':')) throw refuse(text, position, inner, ':');
    object[key] = readValue(text, position, inner, depth + 1);
  } while (takes(text, position, ','));
  if (!takes(text, position, '}')) throw refuse(text, position, path, ', or }');
  return object;
}

function readScalar(
  text: string,
  position: Position,
  path: string,
): string | number | boolean | null {
  scalar.lastIndex = position.at;
  const token = scalar.exec(text)?.[0];
  if (token === undefined) throw refuse(text, position, path, 'a value');
  position.at += token.length;
  const value = JSON.parse(token) as string | number | boolean | null;
  if (typeof value === 'string' && !value.isWellFormed()) {
    throw malformed(`${path} holds half a character (a lone surrogate)`, {
      node: path,
      details: { path },
    });
  }
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw malformed(`${path} is beyond any number`, { node: path, details: { path } });
  }
  return value;
}

function skipBlanks(text: string, position: Position): void {
  while (' \t\n\r'.includes(text[position.at] ?? '_')) position.at += 1;
}

function takes(text: string, position: Position, character: string): boolean {
  skipBlanks(text, position);
  if (text[position.at] !== character) return false;
  position.at += 1;
  return true;
}

function refuse(text: string, { at }: Position, path: string, expected: string): Error {
  const got = at < text.length ? JSON.stringify(text[at]) : 'the end';
  return malformed(`${path}: ${got} at character ${at}, expected ${expected}`, {
    node: path,
    details: { path, at },
  });
}
