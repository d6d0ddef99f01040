import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../../', import.meta.url);

export const launcher = fileURLToPath(new URL('bin/cipherloom', root));
/** The frame with commands of its own, made for tests: each misbehaves in one way. */
export const frameProgram = fileURLToPath(new URL('./fixtures/frame-program.ts', import.meta.url));

export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface SpawnOptions {
  readonly node?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Called with the running process, to signal it or to close its pipes. */
  readonly during?: (child: ChildProcess) => void;
}

/**
 * What the runner's environment passes on; its own settings (FORCE_COLOR and others) are not the
 * user's. Node keeps the code that it has compiled, which is a quarter of a short command.
 */
export function passedOn(): Record<string, string | undefined> {
  const { PATH, HOME, NODE_COMPILE_CACHE } = process.env;
  return { PATH, HOME, NODE_COMPILE_CACHE };
}

/** Run a program of Node's to its end. */
export function spawnProgram(
  file: string,
  words: readonly string[],
  options: SpawnOptions = {},
): Promise<Ended> {
  if (file === launcher && !existsSync(fileURLToPath(new URL('dist/cli/main.js', root)))) {
    throw new Error('dist/ is not built: npm run build');
  }
  const { node = process.execPath, env = {}, cwd, during } = options;
  const child = spawn(node, [file, ...words], {
    cwd,
    env: { ...passedOn(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  during?.(child);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => {
      resolve({ status, signal, stdout, stderr });
    });
  });
}

/** `cipherloom …`, through bin/cipherloom. */
export function cipherloom(...words: readonly string[]): Promise<Ended> {
  return spawnProgram(launcher, words);
}
