/** Runs the blocks of a page, in order, in a folder of its own, as a reader would. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'vitest';
import { root, setupOf } from './pages.ts';
import { readBlocks, runs } from './read-blocks.ts';
import type { Block } from './read-blocks.ts';

const blockTimeout = 1_200_000;

/** Those of the pages that have a block to run. */
export function pagesThatRun(pages: readonly string[]): string[] {
  return pages.filter((page) => blocksOf(page).some(runs));
}

function blocksOf(page: string): Block[] {
  return readBlocks(readFileSync(path.join(root, page), 'utf8'));
}

/** Run every block of a page. Fails naming the line of the block. */
export function runPage(page: string): void {
  const blocks = blocksOf(page);
  const folder = mkdtempSync(path.join(tmpdir(), 'cipherloom-page-'));
  try {
    const { files = {}, make, before } = setupOf(page);
    prepare(folder, files);
    make?.(folder);
    if (before !== undefined) {
      runBlock(folder, { line: 0, language: 'sh', text: before, marker: null }, `before ${page}`);
    }
    let printed = '';
    for (const block of blocks) {
      const at = `${page}:${block.line}`;
      if (block.marker?.kind === 'file') writeInto(folder, block.marker.name, `${block.text}\n`);
      if (block.marker?.kind === 'output') expectLines(printed, block.text, at);
      if (runs(block)) printed = runBlock(folder, block, at);
    }
  } finally {
    stopServers(folder);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a page started and, when one of its blocks failed, did not stop. */
function stopServers(folder: string): void {
  for (const file of globSync(['*.pid', 'out/*.pid'], { cwd: folder })) {
    try {
      process.kill(Number(readFileSync(path.join(folder, file), 'utf8')));
    } catch {
      // It ended by itself.
    }
  }
}

/** The package installed, its command on the path, and the files that the page starts from. */
function prepare(folder: string, files: Readonly<Record<string, string>>): void {
  writeInto(folder, 'package.json', '{ "type": "module", "private": true }\n');
  mkdirSync(path.join(folder, 'node_modules/.bin'), { recursive: true });
  symlinkSync(root, path.join(folder, 'node_modules/cipherloom'), 'dir');
  for (const name of ['cipherloom', 'npx']) {
    const command = path.join(folder, 'node_modules/.bin', name);
    const program = name === 'npx' ? '"$@"' : `"${path.join(root, 'bin/cipherloom')}" "$@"`;
    writeFileSync(command, `#!/bin/sh\nexec ${program}\n`);
    chmodSync(command, 0o755);
  }
  for (const [name, from] of Object.entries(files)) {
    // Links to folders: nothing on a page writes into the checkout's.
    if (from.endsWith('.npy') || from.endsWith('.onnx')) {
      cpSync(path.join(root, from), path.join(folder, name));
    } else {
      symlinkSync(path.join(root, from), path.join(folder, name));
    }
  }
}

function writeInto(folder: string, name: string, text: string): void {
  mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
  writeFileSync(path.join(folder, name), text);
}

/** What the block printed. */
function runBlock(folder: string, block: Block, at: string): string {
  const name = `block-${block.line}.${block.language}`;
  writeInto(folder, name, block.text);
  const [program, ...words] =
    block.language === 'sh' ? ['bash', '-euo', 'pipefail', name] : [process.execPath, name];
  const ended = spawnSync(program, words, {
    cwd: folder,
    encoding: 'utf8',
    timeout: blockTimeout,
    env: readerEnvironment(folder),
  });
  rmSync(path.join(folder, name));
  const output = ended.stdout + ended.stderr;
  const status = block.marker?.kind === 'fails' ? block.marker.status : 0;
  expect(ended.status, `${at}\n${block.text}\n\n${output}`).toBe(status);
  if (block.marker?.kind === 'prints') expect(output, at).toContain(block.marker.text);
  return output;
}

/** The reader's environment: none of the test runner's settings. */
function readerEnvironment(folder: string): NodeJS.ProcessEnv {
  const known = ['HOME', 'LANG', 'TMPDIR', 'CIPHERLOOM_DATA', 'CIPHERLOOM_NATIVE'];
  const folders = [path.join(folder, 'node_modules/.bin'), path.dirname(process.execPath)];
  return {
    ...Object.fromEntries(known.map((name) => [name, process.env[name]])),
    PATH: [...folders, process.env['PATH']].join(path.delimiter),
  };
}

/** Every line stands in the output, in this order; `…` stands for anything. */
function expectLines(printed: string, wanted: string, at: string): void {
  const lines = printed.split('\n').map(squeezed);
  let from = 0;
  for (const line of wanted.split('\n').map(squeezed)) {
    if (line === '' || line === '…') continue;
    const pattern = new RegExp(`^${line.split('…').map(escaped).join('.*')}$`);
    const found = lines.findIndex((each, n) => n >= from && pattern.test(each));
    expect(found, `${at}: "${line}" is not in\n${printed}`).toBeGreaterThanOrEqual(from);
    from = found + 1;
  }
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** A line without differences in the columns of a table. */
function squeezed(line: string): string {
  return line.trim().replaceAll(/\s+/g, ' ');
}
