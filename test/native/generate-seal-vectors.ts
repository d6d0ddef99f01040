/** Write native/test-vectors/seal.txt: `node test/native/generate-seal-vectors.ts`. */
import { writeFile } from 'node:fs/promises';
import { vectorCases, vectorLines } from './seal-vectors.ts';

const lines = [
  '# What SEAL computes from given residues. Written by test/native/generate-seal-vectors.ts.',
];
for (const vectorCase of vectorCases) {
  lines.push(...(await vectorLines(vectorCase)));
  process.stderr.write(`N=${vectorCase.ringDegree}, ${vectorCase.bits.length} primes\n`);
}
const path = new URL('../../native/test-vectors/seal.txt', import.meta.url);
await writeFile(path, `${lines.join('\n')}\n`);
