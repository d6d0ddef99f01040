import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect } from 'vitest';
import type { Ended } from '../spawn-program.ts';
import { warmCipherloom } from '../warm-program.ts';

const examples = fileURLToPath(new URL('../../../examples/mnist', import.meta.url));

/** The commands, for the tests of the file that imports this. */
export const cipherloom = warmCipherloom();

/** A file of examples/mnist. */
export function example(name: string): string {
  return join(examples, name);
}

/** A temporary folder whose name has a blank, kept for the tests of one file. */
export function temporaryFolder(): () => string {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'cipherloom commands ü-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return () => folder;
}

/** Compile lola into a folder. */
export async function compileLola(folder: string, ...options: readonly string[]): Promise<Ended> {
  const ended = await cipherloom(
    'compile',
    example('lola.onnx'),
    '-o',
    folder,
    '--calibration',
    example('calibration.npy'),
    '--json',
    ...options,
  );
  expect(ended).toMatchObject({ status: 0, stderr: '' });
  return ended;
}

/** Parameters below 128 bits that lola runs with. */
export const insecureParameters = [
  '--insecure',
  '--ring-degree',
  '4096',
  '--prime-bits',
  '50,40,40,40,40,40,50',
] as const;

/** The one object of --json. */
export function jsonOf({ status, stdout, stderr }: Ended): Record<string, unknown> {
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout.trim().split('\n')).toHaveLength(1);
  return JSON.parse(stdout) as Record<string, unknown>;
}

export interface ErrorObject {
  readonly status: number | null;
  readonly code: string;
  readonly phase: string | null;
  readonly node: string | null;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly hint: string | null;
}

/** A command line with --json that fails: its one error object, with the exit status. */
export async function errorOf(...words: readonly string[]): Promise<ErrorObject> {
  const { status, stdout, stderr } = await cipherloom(...words, '--json');
  expect(stdout).toBe('');
  expect(stderr.trim().split('\n')).toHaveLength(1);
  return { status, ...(JSON.parse(stderr) as Omit<ErrorObject, 'status'>) };
}

/** Contents of files, to compare before and after. */
export function contents(folder: string, names: readonly string[]): string[] {
  return names.map((name) => readFileSync(join(folder, name), 'base64'));
}
