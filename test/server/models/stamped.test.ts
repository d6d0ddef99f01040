/** A plan below 128 bits is refused in the same words by whoever loads its folder. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openClient } from '../../../src/cli/plan-folder.ts';
import { CipherloomError } from '../../../src/errors.ts';
import { loadModels } from '../../../src/server/models/served-model.ts';
import { errorOf } from '../../support/error-of.ts';
import { compileDense, writePlanFolder } from '../http/running-service.ts';

test('a stamped plan is refused alike by the server and by commands, unless --insecure', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cipherloom stamped '));
  try {
    writePlanFolder(folder, await compileDense());
    const sources = [{ name: 'dense', folder }];
    const byServer: unknown = await loadModels(sources, { insecure: false }).catch(
      (error: unknown) => error,
    );
    const byCommand = errorOf(() => openClient(folder, { insecure: false }));
    expect(byCommand.code).toBe('PARAMETERS_INSECURE');
    expect(byCommand.hint).toContain('--insecure');
    expect(byServer).toBeInstanceOf(CipherloomError);
    expect((byServer as CipherloomError).toJSON()).toEqual(byCommand.toJSON());
    expect((await loadModels(sources, { insecure: true })).has('dense')).toBe(true);
    openClient(folder, { insecure: true })[Symbol.dispose]();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
