/** Runs one measuring program and keeps what it says. */
import { spawn } from 'node:child_process';
import { loadavg } from 'node:os';
import { text } from 'node:stream/consumers';
import { readMeasurements } from './measurement.ts';
import type { MeasurementRecord } from './page.ts';
import type { Command, Program } from './programs.ts';

interface Ended {
  readonly ok: boolean;
  readonly stdout: string;
  /** The last line of stderr, or what kept the program from starting. */
  readonly lastWord: string;
}

async function run({ file, args, environment }: Command, core: number | null): Promise<Ended> {
  const pinned = core === null ? [] : ['taskset', '-c', String(core)];
  const [program = file, ...rest] = [...pinned, file, ...args];
  const child = spawn(program, rest, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const status = new Promise<number | Error>((resolve) => {
    child.once('error', resolve);
    child.once('close', (code) => {
      resolve(code ?? 1);
    });
  });
  const [stdout, stderr, ended] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    status,
  ]);
  if (ended instanceof Error) return { ok: false, stdout, lastWord: ended.message };
  const lastWord =
    stderr
      .trimEnd()
      .split(/[\r\n]+/)
      .at(-1) ?? '';
  return { ok: ended === 0, stdout, lastWord: lastWord === '' ? `status ${ended}` : lastWord };
}

/** Build and run a program, on `core` alone when it is a pinned one. */
export async function runProgram(program: Program, core: number): Promise<MeasurementRecord> {
  const load = (): number => loadavg()[0] ?? 0;
  const before = load();
  const record = (rest: Pick<MeasurementRecord, 'measurements' | 'unavailable'>) => ({
    name: program.name,
    subject: program.subject,
    date: new Date().toISOString(),
    load: [before, load()] as const,
    ...rest,
  });
  if (program.build !== undefined) {
    const built = await run(program.build, null);
    if (!built.ok) return record({ measurements: [], unavailable: built.lastWord });
  }
  const ended = await run(program.run, program.pinned ? core : null);
  if (!ended.ok) return record({ measurements: [], unavailable: ended.lastWord });
  return record({ measurements: readMeasurements(ended.stdout) });
}
