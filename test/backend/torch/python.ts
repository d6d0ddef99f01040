/** Python as the tests call it; CIPHERLOOM_PYTHON names one that has PyTorch. */
import { spawnSync } from 'node:child_process';

const python = process.env.CIPHERLOOM_PYTHON ?? 'python3';

/** Run Python to its end; the text of stderr, and the status. */
export function runPython(words: readonly string[]): { status: number | null; stderr: string } {
  const { status, stderr } = spawnSync(python, words, { encoding: 'utf8' });
  return { status, stderr };
}

/** Whether it can be started and has the packages. */
export function hasPython(...packages: readonly string[]): boolean {
  return runPython(['-c', packages.map((name) => `import ${name}`).join('\n')]).status === 0;
}
