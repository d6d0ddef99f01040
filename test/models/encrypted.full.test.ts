/** Larger files of other projects, encrypted. */
import { describe, test } from 'vitest';
import { encryptedSlow } from './encrypted-files.ts';
import { modelCases, modelFolder } from './model-cases.ts';
import { expectEncryptedAgrees } from './run-encrypted.ts';

describe.skipIf(modelFolder === null)('models of other projects, encrypted', () => {
  const cases = modelFolder === null ? [] : modelCases(modelFolder);

  test.each(cases.filter(({ file }) => encryptedSlow.includes(file)))('$file', async (each) => {
    await expectEncryptedAgrees(modelFolder!, each);
  });
});
