import pc from 'picocolors';
import { escapeControl } from './escape-control.ts';

/** Nothing is shown of a command that is done within this time. */
const quietMs = 1000;
/** A terminal's line is rewritten this often, so that the elapsed time moves. */
const redrawMs = 200;
/** A log gets a line for each new step, and within a step no more often than this. */
const sparseMs = 10_000;

export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface ProgressLine extends Disposable {
  step(label: string): void;
  advance(done: number, total: number): void;
  /** Remove the line from the terminal, before something else is written. */
  clear(): void;
}

/**
 * Progress on stderr: one line that rewrites itself on a terminal, sparse lines elsewhere.
 *
 * It runs in the thread that does no work, so the elapsed time moves while the other one computes.
 */
export function createProgressLine(
  stream: ProgressStream,
  color: boolean,
  now: () => number = Date.now,
): ProgressLine {
  const { dim } = pc.createColors(color);
  const startedAt = now();
  let label: string | undefined;
  let share: string | undefined;
  let stepAt = startedAt;
  let drawn = false;
  let lastLineAt = -Infinity;
  let lastLabel: string | undefined;

  const text = () => {
    const seconds = ((now() - stepAt) / 1000).toFixed(1);
    return `${label ?? ''}${share === undefined ? '' : ` ${share}`} (${seconds} s)`;
  };

  const redraw = () => {
    if (label === undefined || now() - startedAt < quietMs) return;
    if (stream.isTTY === true) {
      // A terminal that does not know its width says 0.
      const columns = (stream.columns ?? 0) > 0 ? stream.columns! : 80;
      const line = text().slice(0, columns - 1);
      stream.write(`\r\x1b[2K${dim(line)}`);
      drawn = true;
    } else if (label !== lastLabel || now() - lastLineAt >= sparseMs) {
      stream.write(`${text()}\n`);
      lastLabel = label;
      lastLineAt = now();
    }
  };

  const timer = setInterval(redraw, redrawMs);
  // The timer alone must not keep the process alive.
  timer.unref();

  const clear = () => {
    if (drawn) stream.write('\r\x1b[2K');
    drawn = false;
  };

  return {
    step(next) {
      label = escapeControl(next).replaceAll('\n', ' ');
      share = undefined;
      stepAt = now();
    },
    advance(done, total) {
      share = `${done}/${total}`;
    },
    clear,
    [Symbol.dispose]() {
      clearInterval(timer);
      clear();
    },
  };
}
