import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { spawnProgram } from '../../cli/spawn-program.ts';

const example = fileURLToPath(new URL('../../../examples/melanoma/example.ts', import.meta.url));

test('the example decrypts the clear network’s answers on both plans', async () => {
  const { status, stdout, stderr } = await spawnProgram(example, ['2']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/--objective latency, one image an execution/);
  expect(stdout).toMatch(/--objective throughput, \d+ images an execution/);
  expect(stdout.match(/^ {2}ISIC_\d+\.jpg +(melanoma|other) +0\.\d{4} +0\.\d{4}/gm)).toHaveLength(
    4,
  );
  expect(stdout.match(/\b1(2[89]|[3-9]\d|\d{3}) bits of security/g)).toHaveLength(2);
  expect(stdout).toMatch(/^ {2}security +106 bits +\d+ bits$/m);
});
