/** Small files of other projects, encrypted: at least one for each operator they have. */
import { describe, expect, test } from 'vitest';
import { encryptedFast, operatorsOf } from './encrypted-files.ts';
import { modelCases, modelFolder } from './model-cases.ts';
import { expectEncryptedAgrees } from './run-encrypted.ts';

describe.skipIf(modelFolder === null)('models of other projects, encrypted', () => {
  const cases = modelFolder === null ? [] : modelCases(modelFolder);

  test('there are twenty of them', () => {
    expect(encryptedFast.length).toBeGreaterThanOrEqual(20);
    const known = new Set(cases.map(({ file }) => file));
    expect(encryptedFast.filter((file) => !known.has(file))).toEqual([]);
  });

  test('they have every operator of the files that compile, but those of ResNets', () => {
    const covered = new Set(encryptedFast.flatMap((file) => operatorsOf(modelFolder!, file)));
    expect([...covered].sort()).toEqual(
      [
        'Add AveragePool BatchNormalization Constant Conv Flatten Gemm MatMul MaxPool Mul Pad Relu',
        'Reshape Sigmoid Softmax Transpose',
      ]
        .join(' ')
        .split(' '),
    );
  });

  test.each(cases.filter(({ file }) => encryptedFast.includes(file)))('$file', async (each) => {
    await expectEncryptedAgrees(modelFolder!, each);
  });
});
