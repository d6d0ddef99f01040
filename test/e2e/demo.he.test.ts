import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { spawnProgram } from '../cli/spawn-program.ts';

const demo = fileURLToPath(new URL('../../examples/mnist/demo.ts', import.meta.url));

test('the demo decrypts the digit that the picture shows', async () => {
  const { status, stdout, stderr } = await spawnProgram(demo, ['1']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(/█/);
  expect(stdout).toMatch(/server saw {3}[0-9a-f]{2} /);
  expect(stdout).toMatch(/answer +7$/m);
  expect(stdout).toMatch(/in the clear 7, by ONNX Runtime$/m);
  expect(stdout).toMatch(/: 1(2[89]|[3-9]\d)(\.\d)? bits of security$/m);
  expect(stdout).toContain('1 of 1 answers are those of the model in the clear.');
});

test.each(['twelve', '0', '21', '1.5'])('the demo refuses to show %s images', async (count) => {
  const { status, stdout, stderr } = await spawnProgram(demo, [count]);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toBe(`"${count}" is no number of images: 20 lie here, give 1 to 20\n`);
});
