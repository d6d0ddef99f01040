/** Passes: the list, the files and their declarations agree. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Pass } from '../../src/passes/define-pass.ts';
import { passes } from '../../src/passes/index.ts';

const folder = path.join(import.meta.dirname, '../../src/passes');
const phases = ['nn', 'packed', 'ckks'];

describe('passes', () => {
  it('are listed phase by phase, each once', () => {
    expect(new Set(passes.map(({ name }) => name)).size).toBe(passes.length);
    const order = passes.map(({ phase }) => phases.indexOf(phase));
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  it.each(passes)('$name has a verb, a summary and a file of its name', async (pass) => {
    expect(pass.name).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(pass.summary).toMatch(/^[A-Z].*\.$/s);
    const module = (await import(`../../src/passes/${pass.name}.ts`)) as { default: Pass };
    expect(module.default).toBe(pass);
  });

  it.each(passes)('$name has a test', ({ name }) => {
    const tests = readdirSync(import.meta.dirname, { recursive: true });
    const general = {
      'compose-rotations': 'rotations/key-budget.test.ts',
      'choose-rotations': 'lowered-semantics.test.ts',
      'hoist-rotations': 'lowered-semantics.test.ts',
      'lower-packed': 'lowered-semantics.test.ts',
      'lower-public': 'public-inputs.test.ts',
      'split-public': 'public-inputs.test.ts',
    };
    const file = (general as Record<string, string | undefined>)[name] ?? `${name}.test.ts`;
    expect(tests).toContain(file);
  });

  it('every file that declares a pass is in the list', async () => {
    const files = readdirSync(folder).filter((file) => file.endsWith('.ts') && file !== 'index.ts');
    for (const file of files) {
      const module = (await import(`../../src/passes/${file.slice(0, -'.ts'.length)}.ts`)) as {
        default?: Partial<Pass>;
      };
      if (module.default?.run === undefined) continue;
      expect(passes, file).toContain(module.default);
    }
  });
});
