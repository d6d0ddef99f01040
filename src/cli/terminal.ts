import { constants } from 'node:os';
import { receiveMessageOnPort, Worker, MessageChannel } from 'node:worker_threads';
import pc from 'picocolors';
import { exitStatus } from '../errors.ts';
import { errorJson, errorText, reportError } from './error-report.ts';
import { escapeControl } from './escape-control.ts';
import type { StopMessage, WorkerInput, WorkerMessage } from './messages.ts';
import { createProgressLine } from './progress.ts';
import { undoCleanups, type Cleanup } from './temporary-paths.ts';

/** Longer lines are hard to read. */
const pageColumns = 100;

/**
 * The thread that owns the terminal: signals, progress, stdout, stderr, exit status.
 *
 * The command itself runs in a worker. A compilation or an evaluation computes for seconds without
 * returning to the event loop; in one thread with it, no signal would be heard and no progress
 * drawn meanwhile.
 */
export function runFromTerminal(workerUrl: URL, words: readonly string[]): void {
  const errorColor = wantsColor(process.stderr);
  const input: WorkerInput = {
    words,
    color: wantsColor(process.stdout),
    columns: columnsOf(process.stdout),
  };
  const cleanups = new Map<number, Cleanup>();
  const progress = createProgressLine(process.stderr, errorColor);
  let json = words.includes('--json');
  let quiet = json && !process.stderr.isTTY;
  let finished = false;
  let graceful = false;

  ignoreClosedPipe(process.stdout);
  ignoreClosedPipe(process.stderr);

  const { port1: port, port2: workerPort } = new MessageChannel();
  const worker = new Worker(workerUrl, {
    workerData: { input, port: workerPort },
    transferList: [workerPort],
    // Libraries print; stdout belongs to the result.
    stdout: true,
    stderr: true,
  });
  const passOn = (chunk: Buffer) => {
    if (json && process.env.CIPHERLOOM_DEBUG === undefined) return;
    progress.clear();
    process.stderr.write(chunk);
  };
  worker.stdout.on('data', passOn);
  worker.stderr.on('data', passOn);

  const finish = (exit: number) => {
    finished = true;
    progress[Symbol.dispose]();
    port.close();
    process.exitCode = exit;
    // A library's open handle in the worker must not keep a finished command alive.
    void worker.terminate();
  };

  const fail = (thrown: unknown) => {
    printError({ kind: 'error', error: reportError(thrown) });
  };

  const printError = ({ error }: Extract<WorkerMessage, { kind: 'error' }>) => {
    finish(error.exit);
    process.stderr.write(`${json ? errorJson(error) : errorText(error, errorColor)}\n`);
    if (process.env.CIPHERLOOM_DEBUG !== undefined && !json && error.stack !== null) {
      process.stderr.write(`${error.stack}\n`);
    } else if (error.exit === exitStatus.internal && !json) {
      process.stderr.write('  CIPHERLOOM_DEBUG=1 shows where it happened\n');
    }
  };

  const handle = (message: WorkerMessage) => {
    if (finished) return;
    switch (message.kind) {
      case 'mode':
        json = message.json;
        quiet = message.quiet || (json && !process.stderr.isTTY);
        break;
      case 'step':
        if (!quiet) progress.step(message.label);
        break;
      case 'advance':
        progress.advance(message.done, message.total);
        break;
      case 'warning': {
        // With --json the object lists them, so that stderr holds an error or nothing.
        if (json) break;
        progress.clear();
        const { bold, yellow } = pc.createColors(errorColor);
        const where = message.node === undefined ? '' : `\n  --> ${message.node}`;
        const text = escapeControl(`${message.message}${where}`);
        process.stderr.write(`${yellow(bold(`warning[${message.id}]`))}: ${text}\n`);
        break;
      }
      case 'cleanup':
        if (message.change === 'add') cleanups.set(message.id, message.cleanup);
        else cleanups.delete(message.id);
        break;
      case 'announcement':
        progress.clear();
        process.stdout.write(message.stdout);
        break;
      case 'graceful':
        graceful = true;
        break;
      case 'result':
        finish(message.exit);
        process.stdout.write(message.stdout);
        break;
      case 'error':
        printError(message);
        break;
    }
  };
  port.on('message', handle);
  worker.on('error', (error) => {
    if (!finished) fail(error);
  });
  worker.on('exit', (code) => {
    drain();
    if (!finished) fail(new Error(`the command's thread ended early with status ${code}`));
    undoCleanups(cleanups);
  });

  const drain = () => {
    for (;;) {
      const next = receiveMessageOnPort(port) as { message: WorkerMessage } | undefined;
      if (next === undefined) return;
      handle(next.message);
    }
  };

  let stopping = false;
  const stop = (signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP') => {
    if (graceful && !finished) {
      // Once: the next signal does not wait.
      graceful = false;
      port.postMessage({ kind: 'stop', signal } satisfies StopMessage);
      return;
    }
    // A second signal, or the same one from a parent that passes signals on, changes nothing.
    if (stopping) return;
    stopping = true;
    const leave = () => {
      // Announcements that are still in the channel precede what they announce.
      drain();
      undoCleanups(cleanups);
      process.exit(128 + constants.signals[signal]);
    };
    finished = true;
    progress[Symbol.dispose]();
    // A system call may hold the worker up; do not wait for it for ever.
    setTimeout(leave, 3000);
    void worker.terminate().then(leave);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      stop(signal);
    });
  }
}

/** https://no-color.org: NO_COLOR with any value but the empty one means plain text. */
function wantsColor(stream: NodeJS.WriteStream): boolean {
  const { NO_COLOR, TERM } = process.env;
  return (NO_COLOR ?? '') === '' && TERM !== 'dumb' && stream.isTTY;
}

/** The width of a terminal up to that of a page; a page where it is unknown. */
function columnsOf({ columns }: NodeJS.WriteStream): number {
  return columns > 0 ? Math.min(columns, pageColumns) : pageColumns;
}

/** A reader that has seen enough (`| head`) closes the pipe; that is no error of ours. */
function ignoreClosedPipe(stream: NodeJS.WriteStream): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}
