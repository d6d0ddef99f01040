import { workerData, type MessagePort } from 'node:worker_threads';
import { exitStatus, type Warning } from '../errors.ts';
import {
  loadCommand,
  type CommandIo,
  type CommandResult,
  type CommandTable,
} from './define-command.ts';
import { reportError } from './error-report.ts';
import { commandHelp, overviewHelp } from './help.ts';
import type { StopMessage, WorkerInput, WorkerMessage } from './messages.ts';
import { nearestName } from './nearest-name.ts';
import { parseArguments } from './parse-arguments.ts';
import { onCleanup } from './temporary-paths.ts';
import { usageError } from './usage-error.ts';
import { packageVersion } from './package-version.ts';

/** A step may advance thousands of times a second; the terminal needs far fewer. */
const advanceMs = 50;

/** The worker's side: find the command, check its arguments, run it, send what it found. */
export async function runInWorker(table: CommandTable): Promise<void> {
  const { input, port } = workerData as { input: WorkerInput; port: MessagePort };
  const send = (message: WorkerMessage) => {
    port.postMessage(message);
  };
  onCleanup((change, id, cleanup) => {
    send({ kind: 'cleanup', change, id, cleanup });
  });
  send(await outcomeOf(table, input, { send, stopSignal: stopSignalOf(port) }));
  port.close();
}

/** How a command ended: what it prints, or its error; nothing is thrown. */
export async function outcomeOf(
  table: CommandTable,
  input: WorkerInput,
  terminal: CommandTerminal,
): Promise<Extract<WorkerMessage, { kind: 'result' | 'error' }>> {
  try {
    return { kind: 'result', ...(await run(table, input, terminal)) };
  } catch (error) {
    return { kind: 'error', error: cloneable(reportError(error)) };
  }
}

/** A function that asks the terminal thread, once, to be told of signals. */
function stopSignalOf(port: MessagePort): () => AbortSignal {
  let stop: AbortController | null = null;
  return () => {
    if (stop !== null) return stop.signal;
    const controller = new AbortController();
    stop = controller;
    port.on('message', ({ signal }: StopMessage) => {
      controller.abort(new Error(`told to stop by ${signal}`));
    });
    port.postMessage({ kind: 'graceful' } satisfies WorkerMessage);
    return controller.signal;
  };
}

/** What a command's thread has of the terminal. */
export interface CommandTerminal {
  readonly send: (message: WorkerMessage) => void;
  readonly stopSignal: () => AbortSignal;
}

interface Outcome {
  readonly stdout: string;
  readonly exit: NonNullable<CommandResult['exit']>;
}

async function run(
  table: CommandTable,
  { words, color, columns }: WorkerInput,
  { send, stopSignal }: CommandTerminal,
): Promise<Outcome> {
  const { name, rest } = findCommand(table, words);
  if (name === undefined) return runWithoutCommand(table, rest, columns);

  const command = await loadCommand(table, name);
  const { args, global } = parseArguments(command, rest);
  send({ kind: 'mode', json: global.json, quiet: global.quiet });
  if (global.help) {
    const text = commandHelp(command, columns);
    return { stdout: global.json ? `${JSON.stringify({ help: text })}\n` : text, exit: 0 };
  }

  const warnings: Warning[] = [];
  let advancedAt = 0;
  const state = { announced: false };
  const print = ({ json, text }: Pick<CommandResult, 'json' | 'text'>): string => {
    const stdout = global.json ? JSON.stringify({ ...json, warnings }) : text;
    return stdout === '' || stdout.endsWith('\n') ? stdout : `${stdout}\n`;
  };
  const io: CommandIo = {
    json: global.json,
    color,
    columns,
    progress: {
      step(label) {
        advancedAt = 0;
        send({ kind: 'step', label });
      },
      advance(done, total) {
        const now = performance.now();
        if (now - advancedAt < advanceMs && done < total) return;
        advancedAt = now;
        send({ kind: 'advance', done, total });
      },
    },
    warn(warning) {
      if (global.silence.includes(warning.id)) return;
      warnings.push(warning);
      send({ kind: 'warning', ...warning });
    },
    announce(result) {
      state.announced = true;
      send({ kind: 'announcement', stdout: print(result) });
    },
    stopSignal,
  };
  const { exit = exitStatus.ok, ...result } = await command.run(args, io);
  return { stdout: state.announced ? '' : print(result), exit };
}

/** The command is the first word that is no option; only `--json`, `-h` and the like precede it. */
function findCommand(
  table: CommandTable,
  words: readonly string[],
): {
  name: string | undefined;
  rest: readonly string[];
} {
  const index = words.findIndex((word) => !word.startsWith('-') || word === '--');
  const name = words[index];
  if (name === undefined || name === '--') return { name: undefined, rest: words };
  const rest = words.toSpliced(index, 1);
  if (name === 'help') return findCommand(table, [...rest, '--help']);
  if (Object.hasOwn(table, name)) return { name, rest };
  const nearest = nearestName(name, Object.keys(table));
  throw usageError(`there is no command ${JSON.stringify(name)}`, {
    got: name,
    hint: nearest === undefined ? 'cipherloom --help' : `did you mean cipherloom ${nearest}?`,
  });
}

async function runWithoutCommand(
  table: CommandTable,
  words: readonly string[],
  columns: number,
): Promise<Outcome> {
  const json = words.includes('--json');
  const unknown = words.find(
    (word) => !['--json', '--quiet', '--help', '-h', '--version', '-V'].includes(word),
  );
  if (unknown !== undefined) {
    throw usageError(`${unknown} is no option of cipherloom itself`, {
      option: unknown,
      hint: 'cipherloom --help',
    });
  }
  if (words.includes('--version') || words.includes('-V')) {
    const version = packageVersion();
    return {
      stdout: json ? `${JSON.stringify({ version })}\n` : `${version}\n`,
      exit: exitStatus.ok,
    };
  }
  if (words.includes('--help') || words.includes('-h')) {
    const text = await overviewHelp(table, columns);
    return { stdout: json ? `${JSON.stringify({ help: text })}\n` : text, exit: exitStatus.ok };
  }
  throw usageError('a command is missing', { hint: 'cipherloom --help' });
}

/** Details are JSON; a bigint among them would be lost by JSON, a function would break the port. */
function cloneable<T>(value: T): T {
  return JSON.parse(
    JSON.stringify(value, (_key, part: unknown) =>
      typeof part === 'bigint' ? part.toString() : part,
    ),
  ) as T;
}
