/** The fenced blocks of a Markdown page, and what the page says about running them. */

/** What a comment before a block may say; without one the block runs. */
export type Marker =
  /** `<!-- not run: WHY -->` */
  | { readonly kind: 'not-run'; readonly reason: string }
  /** `<!-- file: NAME -->`: the block is the content of a file that later blocks use. */
  | { readonly kind: 'file'; readonly name: string }
  /** `<!-- output -->`: the block before printed these lines, among others; `…` stands for anything. */
  | { readonly kind: 'output' }
  /** `<!-- prints: TEXT -->`: the block runs, and its output holds the text. */
  | { readonly kind: 'prints'; readonly text: string }
  /** `<!-- fails: STATUS -->`: the block runs, and its last command ends with that status. */
  | { readonly kind: 'fails'; readonly status: number };

export interface Block {
  /** Line of the opening fence, from 1. */
  readonly line: number;
  /** First word after the fence; empty where there is none. */
  readonly language: string;
  readonly text: string;
  readonly marker: Marker | null;
}

/** Languages of blocks that run without a marker. */
export const runnable: readonly string[] = ['sh', 'ts', 'js'];

const fence = /^( *)(`{3,}|~{3,})(.*)$/;
const comment = /^\s*<!--\s*([a-z ]+?)(?::\s*(.*?))?\s*-->\s*$/;

/** Blocks in their order. Throws when a fence is never closed. */
export function readBlocks(page: string): Block[] {
  const lines = page.split('\n');
  const blocks: Block[] = [];
  let before = '';
  for (let n = 0; n < lines.length; n++) {
    const opened = fence.exec(lines[n]!);
    if (opened === null) {
      if (lines[n]!.trim() !== '') before = lines[n]!;
      continue;
    }
    const [, indent = '', ticks = '', info = ''] = opened;
    const last = lines.findIndex((line, at) => at > n && line.trim() === ticks);
    if (last < 0) throw new Error(`the block of line ${n + 1} is not closed`);
    blocks.push({
      line: n + 1,
      language: info.trim().split(/\s/)[0] ?? '',
      text: lines
        .slice(n + 1, last)
        .map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line.trimStart()))
        .join('\n'),
      marker: readMarker(before),
    });
    before = '';
    n = last;
  }
  return blocks;
}

function readMarker(line: string): Marker | null {
  const [, word, text = ''] = comment.exec(line) ?? [];
  switch (word) {
    case 'not run':
      return { kind: 'not-run', reason: text };
    case 'file':
      return { kind: 'file', name: text };
    case 'output':
      return { kind: 'output' };
    case 'prints':
      return { kind: 'prints', text };
    case 'fails':
      return { kind: 'fails', status: Number(text) };
    default:
      return null;
  }
}

/** Why a page cannot keep what its blocks promise, a sentence for each block at fault. */
export function faultsOf(blocks: readonly Block[]): string[] {
  return blocks.flatMap(({ line, language, marker }, n) => {
    const at = (fault: string): string[] => [`line ${line}: ${fault}`];
    switch (marker?.kind) {
      case 'not-run':
        return marker.reason.length < 5 ? at('"not run" without a reason') : [];
      case 'file':
        return /^[\w./-]+$/.test(marker.name) && !/(^|\/)\.\.|^\//.test(marker.name)
          ? []
          : at(`"${marker.name}" is no file of the page's folder`);
      case 'output':
        return runs(blocks[n - 1]) ? [] : at('"output" does not follow a block that runs');
      case undefined:
      case 'prints':
      case 'fails':
        return runnable.includes(language)
          ? []
          : at(
              `a block of "${language}" does not run: write it as ${runnable.join(', ')}, or say why before it with <!-- not run: WHY -->, <!-- file: NAME --> or <!-- output -->`,
            );
    }
  });
}

/** Whether a block is executed. */
export function runs(block: Block | undefined): block is Block {
  if (block === undefined) return false;
  const kind = block.marker?.kind;
  return kind === undefined || kind === 'prints' || kind === 'fails';
}
