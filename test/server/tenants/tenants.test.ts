import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readTenants } from '../../../src/server/tenants/tenants.ts';

const folder = mkdtempSync(join(tmpdir(), 'cipherloom tenants '));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
const hash = (token: string) => createHash('sha256').update(token).digest('hex');
const file = (text: string): string => {
  const path = join(folder, 'tokens');
  writeFileSync(path, text);
  return path;
};

test('a token names its tenant; a tenant may have several', async () => {
  const text = `# who\n\n a ${hash('one')} \nb-2\t${hash('two')}\r\na ${hash('uno')}\n`;
  const tenants = await readTenants(file(text));
  expect(tenants.tenantOf('Bearer one')).toBe('a');
  expect(tenants.tenantOf('bearer  uno')).toBe('a');
  expect(tenants.tenantOf('Bearer two')).toBe('b-2');
  for (const header of [undefined, '', 'Bearer', 'Bearer ', 'Basic one', 'one', 'Bearer one two']) {
    expect(tenants.tenantOf(header)).toBeNull();
  }
  expect(tenants.tenantOf(`Bearer ${hash('one')}`)).toBeNull();
});

test.each([
  ['../a', hash('x')],
  ['A', hash('x')],
  ['.expanded', hash('x')],
  ['a', 'x'],
  ['a', hash('x').toUpperCase()],
])('the line "%s %s" is refused by its number, without its text', async (tenant, digest) => {
  const refused = readTenants(file(`a ${hash('y')}\n${tenant} ${digest}\n`));
  await expect(refused).rejects.toMatchObject({ code: 'DATA_INVALID', details: { line: 2 } });
});

test('an empty file, and one that is not there', async () => {
  await expect(readTenants(file('# nobody\n'))).rejects.toMatchObject({ code: 'DATA_INVALID' });
  await expect(readTenants(join(folder, 'none'))).rejects.toMatchObject({
    code: 'FILE_UNREADABLE',
  });
});
