/** `cipherloom serve` as users start, call and stop it. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { Client } from '../../../src/client/index.ts';
import { answerCiphertext, call, infer, putKeys } from '../../server/http/running-service.ts';
import { serveModel } from '../../browser/serve-model.ts';
import { cipherloom, launcher } from '../spawn-program.ts';
import { compileLola, errorOf, example, jsonOf, temporaryFolder } from './example-plans.ts';

const folder = temporaryFolder();
const at = (...names: readonly string[]): string => join(folder(), ...names);

beforeAll(async () => {
  await compileLola(at('lola'));
  jsonOf(await cipherloom('keygen', at('lola'), '--out', at('keys'), '--json'));
  jsonOf(
    await cipherloom(
      ...['encrypt', at('lola'), '--keys', at('keys'), '--input', example('images.npy')],
      ...['--limit', '1', '--out', at('x.ct'), '--json'],
    ),
  );
});

const read = (...names: readonly string[]): Uint8Array<ArrayBuffer> =>
  new Uint8Array(readFileSync(at(...names)));

test('serves a plan folder under its own name and another: keys, infer, the right digit', async () => {
  await using server = await serveModel(
    [at('lola'), `digits=${at('lola')}`],
    ['--key-store', at('store')],
  );
  const keys = read('keys', 'evaluation.keys');
  const id = createHash('sha256').update(keys).digest('hex');
  expect(await putKeys(server.url, id, keys, { model: 'digits' })).toMatchObject({ status: 201 });
  const [first, second] = await Promise.all([
    infer(server.url, read('x.ct'), { model: 'lola', keys: id }),
    infer(server.url, read('x.ct'), { model: 'digits', keys: id }),
  ]);
  expect([first.status, second.status]).toEqual([200, 200]);
  expect(answerCiphertext(second)).toEqual(answerCiphertext(first));
  using client = Client.load(readFileSync(at('lola', 'client.json'), 'utf8'));
  await client.importSecretKey(read('keys', 'secret.key'));
  const { logits } = await client.decrypt(answerCiphertext(first));
  expect(logits!.data.indexOf(Math.max(...logits!.data))).toBe(7);
  expect(server.log()).toContain('"route":"/v2/models/:name/infer"');
  expect(server.log()).not.toContain(id);
});

test('keys stay over a restart; --json prints one object with the address', async () => {
  const keys = read('keys', 'evaluation.keys');
  const id = createHash('sha256').update(keys).digest('hex');
  const options = ['--key-store', at('kept')];
  {
    await using server = await serveModel([at('lola')], options);
    await putKeys(server.url, id, keys, { model: 'lola' });
  }
  const child = spawn(process.execPath, [
    ...[launcher, 'serve', at('lola'), '--port', '0', '--json', '--log-level', 'silent'],
    ...options,
  ]);
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  await once(child.stdout, 'data');
  const { address, models } = JSON.parse(stdout) as {
    address: string;
    models: { name: string; version: string }[];
  };
  expect(models).toMatchObject([
    { name: 'lola', version: expect.stringMatching(/^[0-9a-f]{16}$/) as unknown },
  ]);
  expect((await infer(address, read('x.ct'), { model: 'lola', keys: id })).status).toBe(200);
  child.kill('SIGTERM');
  const [status] = (await once(child, 'exit')) as [number | null];
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout.trim().split('\n')).toHaveLength(1);
});

test('a first SIGTERM waits for open requests, a second does not', async () => {
  const child = spawn(process.execPath, [
    ...[launcher, 'serve', at('lola'), '--port', '0', '--json', '--log-level', 'silent'],
    ...['--key-store', at('signals'), '--drain-delay', '600'],
  ]);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const { address } = JSON.parse(line.toString()) as { address: string };
  child.kill('SIGTERM');
  const socket = connect(Number(new URL(address).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.destroy();
  await expect
    .poll(async () => (await call(`${address}/v2/health/ready`)).status, { timeout: 20_000 })
    .toBe(503);
  child.kill('SIGTERM');
  const [status] = (await once(child, 'exit')) as [number | null];
  expect(status).toBe(143);
});

test('speaks TLS with the certificate it is given, and nothing else', async () => {
  const [key, cert] = [at('key.pem'), at('cert.pem')];
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'],
      ...['-keyout', key, '-out', cert],
    ],
    { stdio: 'ignore' },
  );
  await using server = await serveModel(
    [at('lola')],
    ['--tls-cert', cert, '--tls-key', key, '--key-store', at('tls')],
  );
  expect(server.url).toMatch(/^https:/);
  const ready = get(`${server.url}/v2/health/ready`, {
    ca: readFileSync(cert),
    servername: 'localhost',
  });
  const [response] = (await once(ready, 'response')) as [IncomingMessage];
  response.resume();
  expect(response.statusCode).toBe(200);
  await expect(call(`${server.url.replace('https', 'http')}/v2/health/ready`)).rejects.toThrow();
});

describe('is refused', () => {
  const serve = (...words: readonly string[]) =>
    errorOf('serve', ...words, '--port', '0', '--key-store', at('none'));

  test('without folders, or with names that are none or occur twice', async () => {
    expect(await serve()).toMatchObject({ status: 2, code: 'USAGE' });
    expect(await serve(at('lola'), at('lola'))).toMatchObject({
      status: 2,
      code: 'USAGE',
      message: 'two models are named lola',
    });
    expect(await serve(`a b=${at('lola')}`)).toMatchObject({ status: 2, code: 'USAGE' });
    expect(await serve(at('absent'))).toMatchObject({ status: 3, code: 'FILE_UNREADABLE' });
  });

  test('for other machines without tokens, and with one half of TLS', async () => {
    expect(await serve(at('lola'), '--host', '0.0.0.0')).toMatchObject({
      status: 2,
      code: 'USAGE',
      node: '--host',
      hint: 'add --tokens FILE, or leave --host out',
    });
    expect(await serve(at('lola'), '--tls-cert', at('c.pem'))).toMatchObject({
      status: 2,
      node: '--tls-key',
    });
    writeFileSync(at('c.pem'), 'no certificate');
    const both = ['--tls-cert', at('c.pem'), '--tls-key', at('c.pem')];
    expect(await serve(at('lola'), ...both)).toMatchObject({ status: 3, code: 'DATA_INVALID' });
  });

  test('for a port that is taken, tokens that are none, too little memory, another plan beside', async () => {
    await using server = await serveModel([at('lola')], ['--key-store', at('taken')]);
    const { port } = new URL(server.url);
    const taken = await errorOf(
      ...['serve', at('lola'), '--port', port, '--key-store', at('none'), '--log-level', 'silent'],
    );
    expect(taken).toMatchObject({ status: 2, code: 'USAGE', details: { port: Number(port) } });
    writeFileSync(at('tokens'), 'somebody secret-token\n');
    const tokens = await serve(at('lola'), '--tokens', at('tokens'));
    expect(tokens).toMatchObject({ status: 3, code: 'DATA_INVALID', details: { line: 1 } });
    expect(JSON.stringify(tokens)).not.toContain('secret-token');
    const memory = await serve(at('lola'), '--max-memory-bytes', '64MiB');
    expect(memory).toMatchObject({ status: 7, code: 'RESOURCE_LIMIT' });
    const needed = /allow (\d+) bytes/.exec(memory.hint ?? '')?.[1];
    await using enough = await serveModel(
      [at('lola')],
      ['--key-store', at('none'), '--max-memory-bytes', String(needed)],
    );
    expect(await call(`${enough.url}/v2/health/ready`)).toMatchObject({ status: 200 });
  });
});
