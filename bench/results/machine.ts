/** What the figures were measured on. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** Those of the vector instruction sets that a kernel uses. */
  readonly vectors: readonly string[];
  readonly hasAvx512: boolean;
  readonly caches: readonly string[];
  readonly system: string;
  /** Name and first line of `--version`, of the compilers that are there. */
  readonly tools: readonly string[];
}

const vectorFlags = ['avx2', 'fma', 'avx512f', 'avx512dq', 'avx512ifma', 'asimd', 'sve'];

function firstLine(command: string, args: readonly string[]): string | undefined {
  try {
    const text = execFileSync(command, args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return text.split('\n')[0];
  } catch {
    // Not installed: the table does without it.
    return undefined;
  }
}

function readOr(file: string, otherwise: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return otherwise;
  }
}

function cacheSizes(): string[] {
  const folder = '/sys/devices/system/cpu/cpu0/cache';
  return [0, 1, 2, 3, 4].flatMap((index) => {
    const read = (name: string): string => readOr(`${folder}/index${index}/${name}`, '').trim();
    const [level, type, size] = [read('level'), read('type'), read('size')];
    return size === '' ? [] : [`L${level} ${type.toLowerCase()} ${size}`];
  });
}

export function thisMachine(): Machine {
  const cpus = os.cpus();
  const flags = new Set(
    /^(?:flags|Features)\s*:(.*)$/m.exec(readOr('/proc/cpuinfo', ''))?.[1]?.trim().split(' '),
  );
  const tools = [
    firstLine('c++', ['--version']),
    firstLine('rustc', ['--version']),
    firstLine('go', ['version']),
    firstLine('python3', ['--version']),
    `Node ${process.version}`,
  ];
  return {
    processor: cpus[0]?.model ?? 'unknown',
    cores: cpus.length,
    memoryBytes: os.totalmem(),
    vectors: vectorFlags.filter((flag) => flags.has(flag)),
    hasAvx512: flags.has('avx512ifma'),
    caches: cacheSizes(),
    system: `${os.type()} ${os.release()}`,
    tools: tools.filter((tool) => tool !== undefined),
  };
}
