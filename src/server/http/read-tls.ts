/** Certificate and key of a server. */
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { CipherloomError } from '../../errors.ts';
import type { TlsOptions } from './app.ts';

/** Read both, in PEM. Throws FILE_UNREADABLE; DATA_INVALID where they are none or do not belong together. */
export async function readTls(certFile: string, keyFile: string): Promise<TlsOptions> {
  const [cert, key] = await Promise.all([readFile(certFile), readFile(keyFile)]);
  try {
    createSecureContext({ cert, key });
  } catch (cause) {
    throw new CipherloomError(
      'DATA_INVALID',
      `${certFile} and ${keyFile} are no certificate and its key`,
      {
        phase: 'server',
        node: certFile,
        cause,
        hint: 'give both in PEM; the key must be that of the certificate, and without a passphrase',
      },
    );
  }
  return { cert, key };
}
