/** Markup whose texts are escaped: the only way to make some is the template tag below. */
import { printable, visible } from '../../frontend/printable.ts';

const text = Symbol('markup');

/** Finished markup; an object read from a file cannot pretend to be it. */
export interface Markup {
  readonly [text]: string;
}

/** What a template takes; nothing is made of null and false. */
export type Part = Markup | string | number | null | false | readonly Part[];

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * Markup from a template. Strings are escaped for element content and for attributes in quotes, and
 * what would hide or reorder text is written out.
 */
export function html(literals: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  const made = literals.map(
    (literal, k) => literal + (k < parts.length ? markupOf(parts[k]!) : ''),
  );
  return { [text]: made.join('') };
}

/** ASSUME: `source` is ours, as a style sheet is. */
export function trusted(source: string): Markup {
  return { [text]: source };
}

export function markupText(markup: Markup): string {
  return markup[text];
}

/** A text of a file, cut where it is longer than anything we write. */
export function cut(value: string): string {
  return value.length > longestText ? `${value.slice(0, longestText)}…` : value;
}

const longestText = 1000;

/** A name from a model: cut where it is very long, its direction kept to itself, broken at its joints. */
export function name(value: string): Markup {
  const pieces = printable(value).split(/(?<=[/_.:])(?=[^/_.:])/);
  return html`<bdi>${pieces.map((piece, k) => [k > 0 && wordBreak, piece])}</bdi>`;
}

/** Names one after the other. */
export function names(values: readonly string[]): Markup {
  return html`${values.map((value, k) => [k > 0 && ', ', name(value)])}`;
}

const wordBreak: Markup = { [text]: '<wbr />' };

function markupOf(part: Part): string {
  if (part === null || part === false) return '';
  if (typeof part === 'number') return String(part);
  if (typeof part === 'string') return visible(part).replace(/[&<>"']/g, (c) => entities[c] ?? '');
  if (isList(part)) return part.map(markupOf).join('');
  return part[text];
}

function isList(part: Part): part is readonly Part[] {
  return Array.isArray(part);
}
