/** The Open Inference Protocol as a client speaks it, with repetition under the same id. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Address {
  readonly url: string;
  readonly token: string;
}

export interface Inference {
  readonly id: string;
  readonly model: string;
  readonly keys: string;
  readonly plan: string;
  readonly ciphertext: Uint8Array<ArrayBuffer>;
}

export interface Inferred {
  readonly ciphertext: Uint8Array<ArrayBuffer>;
  /** How often it was sent. */
  readonly sent: number;
}

/** Upload keys; returns their name. */
export async function putKeys(
  { url, token }: Address,
  model: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const name = createHash('sha256').update(bytes).digest('hex');
  const answer = await fetch(`${url}/v2/keys/${name}?model=${model}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
    body: bytes,
  });
  if (answer.status !== 201) throw new Error(`${answer.status}: ${await answer.text()}`);
  return name;
}

/** Send a request until it is answered; again where the server is away or busy. */
export async function infer(
  { url, token }: Address,
  { id, model, keys, plan, ciphertext }: Inference,
): Promise<Inferred> {
  const header = new TextEncoder().encode(
    JSON.stringify({
      id,
      parameters: { keys, plan },
      inputs: [
        {
          name: 'ciphertext',
          shape: [1],
          datatype: 'BYTES',
          parameters: { binary_data_size: 4 + ciphertext.length },
        },
      ],
    }),
  );
  const body = new Uint8Array(header.length + 4 + ciphertext.length);
  body.set(header);
  new DataView(body.buffer).setUint32(header.length, ciphertext.length, true);
  body.set(ciphertext, header.length + 4);
  for (let sent = 1; ; sent++) {
    const answer = await post(`${url}/v2/models/${model}/infer`, token, header.length, body);
    if (answer === null || answer.status === 503 || answer.status === 429) {
      await sleep(200);
      continue;
    }
    if (answer.status !== 200) {
      throw new Error(`${id}: ${answer.status} ${Buffer.from(answer.body).toString()}`);
    }
    const text = new TextDecoder().decode(answer.body.subarray(0, answer.headerBytes));
    if ((JSON.parse(text) as { id: string }).id !== id) throw new Error(`${id}: another answer`);
    return { ciphertext: answer.body.slice(answer.headerBytes + 4), sent };
  }
}

/** Null where the connection failed, or broke before the end of the answer. */
async function post(
  url: string,
  token: string,
  headerBytes: number,
  body: Uint8Array<ArrayBuffer>,
): Promise<{ status: number; headerBytes: number; body: Uint8Array<ArrayBuffer> } | null> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/octet-stream',
        'inference-header-content-length': String(headerBytes),
      },
      body,
    });
    return {
      status: answer.status,
      headerBytes: Number(answer.headers.get('inference-header-content-length') ?? 0),
      body: new Uint8Array(await answer.arrayBuffer()),
    };
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}
