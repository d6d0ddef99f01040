/** Plans that share rescales, on ciphertexts: answers within the predicted precision, on every evaluator. */
import { describe, expect, test } from 'vitest';
import { Client } from '../../src/client/index.ts';
import { compile } from '../../src/index.ts';
import { InferenceSession } from '../../src/server/index.ts';
import { encryptedBackends } from '../support/backends.ts';
import { answersOf, imagesOf, squaresNetwork } from '../support/squares-network.ts';

const plans = [
  {
    what: 'a batch in the slots',
    options: { packing: 'feature-major', batch: 16, precisionBits: 6 },
    backends: encryptedBackends,
  },
  {
    what: 'a batch in the slots, several special primes',
    options: { packing: 'feature-major', batch: 16, precisionBits: 6, target: 'native' },
    backends: encryptedBackends.filter((backend) => backend === 'native'),
  },
  {
    what: 'one image, several special primes',
    options: { ringDegree: 16384, precisionBits: 3, target: 'native' },
    backends: encryptedBackends.filter((backend) => backend === 'native'),
  },
] as const;

describe('shared rescales', () => {
  test.each(plans)('$what', async ({ options, backends }) => {
    const { client: form, plan, report, program } = await compile(squaresNetwork, { options });
    expect(program.modulus?.primes).toHaveLength(4);
    using client = Client.load(form);
    const keys = await (await client.generateKeys()).evaluationKeys.bytes();
    const images = imagesOf(form.batch, 3);
    const want = images.flatMap((image) => answersOf(image));
    const request = await client.encrypt({ x: Float64Array.from(images.flatMap((x) => [...x])) });
    const [output] = form.outputs;
    for (const backend of backends) {
      await using session = await InferenceSession.create(plan, { backend, evaluationKeys: keys });
      const got = (await client.decrypt(await session.run(request)))['y']?.data;
      expect(got).toHaveLength(want.length);
      const worst = Math.max(...want.map((value, i) => Math.abs(value - (got?.[i] ?? NaN))));
      const bits = Math.log2((output?.bound ?? NaN) / worst);
      expect(bits, backend).toBeGreaterThan(report.precisionBits);
    }
  });
});
