import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createProgressLine } from '../../src/cli/progress.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function recorder(isTTY: boolean) {
  const written: string[] = [];
  return { isTTY, columns: 40, written, write: (text: string) => written.push(text) };
}

test('nothing is shown of what takes less than a second', () => {
  const stream = recorder(true);
  using progress = createProgressLine(stream, false);
  progress.step('short');
  vi.advanceTimersByTime(900);
  progress.clear();
  expect(stream.written).toEqual([]);
});

test('a terminal gets one line that rewrites itself and goes away', () => {
  const stream = recorder(true);
  {
    using progress = createProgressLine(stream, false);
    progress.step('evaluate');
    progress.advance(3, 9);
    vi.advanceTimersByTime(1400);
    expect(stream.written.at(-1)).toBe('\r\x1b[2Kevaluate 3/9 (1.4 s)');
    progress.step('a label that is wider than the terminal is\ncut and keeps to one line');
    vi.advanceTimersByTime(200);
    expect(stream.written.at(-1)).toBe('\r\x1b[2Ka label that is wider than the terminal');
  }
  expect(stream.written.at(-1)).toBe('\r\x1b[2K');
  expect(stream.written.join('')).not.toContain('\n');
});

test('a log gets a line for each step, and one every ten seconds within it', () => {
  const stream = recorder(false);
  using progress = createProgressLine(stream, false);
  progress.step('make keys');
  vi.advanceTimersByTime(25_000);
  progress.step('evaluate');
  vi.advanceTimersByTime(1000);
  expect(stream.written).toEqual([
    'make keys (1.0 s)\n',
    'make keys (11.0 s)\n',
    'make keys (21.0 s)\n',
    'evaluate (0.2 s)\n',
  ]);
});

test('a label obeys no escape sequence', () => {
  const stream = recorder(true);
  using progress = createProgressLine(stream, false);
  progress.step('\x1b[31mred');
  vi.advanceTimersByTime(1000);
  expect(stream.written.at(-1)).toContain('\\x1b[31mred');
});
