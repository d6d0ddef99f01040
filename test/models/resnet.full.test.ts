/** A network that is too deep is refused with its levels, with a budget of accuracy and without: not searched for hours. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CipherloomError, compile } from '../../src/index.ts';
import type { CompileRequest } from '../../src/compile.ts';
import { dataPath } from '../support/data.ts';
import { randomSource, randomValues } from '../support/random.ts';

const file = dataPath('onnx', 'ace', 'model', 'resnet20_cifar10_pre.onnx');
/** Of pixels in 0…1 after ImageNet's mean and deviation. */
const range = [-2.12, 2.64] as const;

/** The error of a compilation on a few random images. */
async function refusal(options: CompileRequest['options']): Promise<CipherloomError> {
  const random = randomSource(1);
  const images = Array.from({ length: 16 }, () =>
    Float64Array.from(randomValues(random, 3 * 32 * 32, ...range)),
  );
  const error: unknown = await compile(
    { bytes: new Uint8Array(readFileSync(file ?? '')), name: 'resnet20' },
    {
      ...(options === undefined ? {} : { options }),
      calibration: new Map([['input', images]]),
      inputRanges: { input: range },
    },
  ).then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof CipherloomError)) throw new Error(`no refusal: ${String(error)}`);
  return error;
}

describe.skipIf(file === null)('ResNet-20 (needs the data folder)', () => {
  test.each<readonly [string, string, CompileRequest['options']]>([
    ['without a budget', 'LEVELS_EXHAUSTED', {}],
    ['with one', 'ACCURACY_UNREACHABLE', { accuracyBudget: { kind: 'kl', value: 1e-3 } }],
  ])('%s is refused with its levels, layer by layer', async (_, code, options) => {
    const error = await refusal(options);
    expect(error).toMatchObject({ code, exit: 4 });
    const { levelsNeeded, levelsAvailable, layers } = error.details;
    expect(levelsNeeded).toBeGreaterThan(
      code === 'LEVELS_EXHAUSTED' ? Number(levelsAvailable) : 20,
    );
    expect(levelsAvailable).toBeGreaterThan(50);
    // Twenty linear layers, nineteen activations, nine additions that may take a level each.
    expect((layers as unknown[]).length).toBeGreaterThanOrEqual(39);
    expect(error.message).toMatch(/(levels )?layer by layer/);
    expect(error.message).toContain('/layer3/layer3.2/conv1/Conv');
    expect(error.hint).toMatch(/--accuracy-budget|--activation-degree/);
    expect(process.resourceUsage().maxRSS * 1024).toBeLessThan(4 * 2 ** 30);
  });
});
