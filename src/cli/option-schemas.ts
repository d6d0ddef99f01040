import { z } from 'zod';
import type { AccuracyBudget } from '../passes/options.ts';

// Each schema reads what was typed (a string) and says in one phrase what it expected; the parser
// puts the option's name before it and the value after it.

function parsed<T>(expected: string, parse: (text: string) => T | undefined) {
  return z.string().transform((text, context): T => {
    const value = parse(text);
    if (value === undefined) {
      context.issues.push({ code: 'custom', message: expected, input: text });
      return z.NEVER;
    }
    return value;
  });
}

function readNumber(text: string): number | undefined {
  // Number('') is 0, Number('0x10') is 16 and Number('1_0') is NaN: accept decimal notation only.
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/** Present or not. */
export function flag() {
  return z.boolean().default(false);
}

export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER) {
  const expected =
    max === Number.MAX_SAFE_INTEGER
      ? `expected a whole number of at least ${min}`
      : `expected a whole number from ${min} to ${max}`;
  return parsed(expected, (text) => {
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : NaN;
    return Number.isSafeInteger(value) && value >= min && value <= max ? value : undefined;
  });
}

export function number(min = -Number.MAX_VALUE, max = Number.MAX_VALUE) {
  const expected =
    min === -Number.MAX_VALUE && max === Number.MAX_VALUE
      ? 'expected a number'
      : max === Number.MAX_VALUE
        ? `expected a number of at least ${min}`
        : `expected a number from ${min} to ${max}`;
  return parsed(expected, (text) => {
    const value = readNumber(text);
    return value !== undefined && value >= min && value <= max ? value : undefined;
  });
}

/** `0.5`: points of agreement; `kl:0.01`: divergence in nats. */
export function accuracyBudget() {
  return parsed('expected points such as 0.5, or kl:NATS such as kl:0.01', (text) => {
    const kind: AccuracyBudget['kind'] = text.startsWith('kl:') ? 'kl' : 'points';
    const value = readNumber(kind === 'kl' ? text.slice(3) : text);
    const most = kind === 'kl' ? Number.MAX_VALUE : 100;
    return value !== undefined && value >= 0 && value <= most ? { kind, value } : undefined;
  });
}

/** `[NAME=]LO,HI` with LO < HI; the name is null where there is none. */
export function namedRange() {
  return parsed('expected LO,HI or NAME=LO,HI with LO below HI, such as -1,1', (text) => {
    // ONNX names may hold '=': the numbers start after the last one.
    const split = text.lastIndexOf('=');
    const [low, high, ...rest] = text
      .slice(split + 1)
      .split(',')
      .map((part) => readNumber(part.trim()));
    if (low === undefined || high === undefined || rest.length > 0 || low >= high) return undefined;
    if (split === 0) return undefined;
    return { name: split < 0 ? null : text.slice(0, split), range: [low, high] as const };
  });
}

/** Bytes: a plain number, or with a unit as in `512MiB` or `2GB`. */
export function byteCount() {
  const powers: Readonly<Record<string, number>> = {
    '': 1,
    b: 1,
    kb: 1e3,
    mb: 1e6,
    gb: 1e9,
    tb: 1e12,
    kib: 2 ** 10,
    mib: 2 ** 20,
    gib: 2 ** 30,
    tib: 2 ** 40,
  };
  return parsed('expected a number of bytes, such as 1073741824, 512MiB or 2GB', (text) => {
    const match = /^([\d.]+)\s*([a-z]*)$/i.exec(text);
    const count = readNumber(match?.[1] ?? '');
    const unit = (match?.[2] ?? '').toLowerCase();
    if (count === undefined || !Object.hasOwn(powers, unit)) return undefined;
    const bytes = Math.floor(count * powers[unit]!);
    return Number.isSafeInteger(bytes) ? bytes : undefined;
  });
}

/** One word of a list. */
export function choice<const T extends string>(words: readonly [T, ...T[]]) {
  return parsed(`expected one of ${words.join(', ')}`, (text) =>
    words.find((word) => word === text),
  );
}

/** Words of a list with commas between, each once. */
export function choices<const T extends string>(words: readonly [T, ...T[]]) {
  return parsed(`expected some of ${words.join(', ')}, with commas between`, (text) => {
    const found = text.split(',').map((part) => words.find((word) => word === part.trim()));
    return found.every((word) => word !== undefined) ? [...new Set(found)].sort() : undefined;
  });
}

/** One whole number of a list, such as `128`. */
export function integerChoice<const T extends number>(values: readonly [T, ...T[]]) {
  return parsed(`expected one of ${values.join(', ')}`, (text) =>
    values.find((value) => String(value) === text),
  );
}

/** Whole numbers with commas between, such as `60,40,40`. */
export function integerList(min: number, max: number) {
  return parsed(`expected whole numbers from ${min} to ${max} with commas between`, (text) => {
    const values = text.split(',').map((part) => (/^[+-]?\d+$/.test(part) ? Number(part) : NaN));
    return values.every((value) => value >= min && value <= max) ? values : undefined;
  });
}

/** Names with commas between, such as `fold-constants,fuse-linear`. */
export function nameList() {
  return parsed('expected names with commas between', (text) => {
    const names = text.split(',').map((part) => part.trim());
    return names.every((name) => name !== '') ? names : undefined;
  });
}

/** What stands after `from` in an import: a package, an entry of one, a relative path or a URL. */
export function moduleName() {
  return parsed('expected the name of a module, such as cipherloom-client', (text) =>
    /^[\w@~.:/-]{1,214}$/.test(text) && !text.startsWith('-') ? text : undefined,
  );
}

/** `NAME=1,3,224,224`: a tensor's name and its dimensions. */
export function namedShape() {
  return parsed('expected NAME=DIMS, such as image=1,3,224,224', (text) => {
    // ONNX names may hold '=': the dimensions start after the last one.
    const split = text.lastIndexOf('=');
    const dims = text.slice(split + 1).split(',');
    if (split < 1 || !dims.every((dim) => /^[1-9]\d{0,8}$/.test(dim))) return undefined;
    return { name: text.slice(0, split), shape: dims.map(Number) };
  });
}

/**
 * A file or folder; what is there is the command's affair.
 *
 * Node replaces bytes that are not UTF-8 by U+FFFD: such a path would name another file.
 */
export function filePath() {
  return parsed('expected a path, in UTF-8', (text) =>
    /[\0\ufffd]/.test(text) ? undefined : text,
  );
}
