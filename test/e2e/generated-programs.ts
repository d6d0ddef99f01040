/** What users write around generated code: a client's two programs and a server's, which share files. */

/** Makes keys and encrypts the images of `image.f32`. */
export const encryptProgram = `
import { readFileSync, writeFileSync } from 'node:fs';
import { inputs, LolaClient } from './client.ts';

const pixels = readFileSync('image.f32');
const image = new Float32Array(pixels.buffer, pixels.byteOffset, pixels.length / 4);
const client = LolaClient.load(readFileSync('client.json', 'utf8'));
const { secretKey, evaluationKeys } = await client.generateKeys();
writeFileSync('secret.key', secretKey, { mode: 0o600 });
writeFileSync('evaluation.keys', await evaluationKeys.bytes());
const images = image.length / inputs.image.values;
writeFileSync('request.ct', await client.encrypt({ image: { data: image, shape: [images, 1, 28, 28] } }));
`;

/** The server's program. */
export const evaluateProgram = `
import { readFileSync, writeFileSync } from 'node:fs';
import { LolaSession } from './server.ts';

const session = await LolaSession.create(readFileSync('model.loom'), { evaluationKeys: 'evaluation.keys' });
writeFileSync('response.ct', await session.run(new Uint8Array(readFileSync('request.ct'))));
await session.release();
`;

/** The client's second program, which has the key in a file only. */
export const decryptProgram = `
import { readFileSync } from 'node:fs';
import { labelOf, LolaClient } from './client.ts';

const client = LolaClient.load(JSON.parse(readFileSync('client.json', 'utf8')));
await client.importSecretKey(readFileSync('secret.key'));
const { logits } = await client.decrypt(new Uint8Array(readFileSync('response.ct')));
const [images] = logits.shape;
const labels = Array.from({ length: images }, (_, image) => labelOf('logits', logits, image));
console.log(JSON.stringify({ shape: logits.shape, labels }));
`;
