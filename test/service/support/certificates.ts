/** A certificate authority of a test's own, and a certificate of it for this machine. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Certificates {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

/** Files, PEM. Needs `openssl` on the path. */
export function makeCertificates(folder: string): Certificates {
  const at = (name: string): string => join(folder, name);
  const openssl = (...words: readonly string[]): void => {
    execFileSync('openssl', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  };
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc'];
  openssl(
    ...['req', '-x509', ...newKey, '-days', '2', '-subj', '/CN=cipherloom test'],
    ...['-keyout', at('authority.key'), '-out', at('authority.pem')],
  );
  openssl(
    ...['req', ...newKey, '-subj', '/CN=localhost'],
    ...['-keyout', at('server.key'), '-out', at('server.csr')],
  );
  writeFileSync(
    at('names'),
    'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n',
  );
  openssl(
    ...['x509', '-req', '-in', at('server.csr'), '-days', '2', '-CAcreateserial'],
    ...['-CA', at('authority.pem'), '-CAkey', at('authority.key')],
    ...['-extfile', at('names'), '-out', at('server.pem')],
  );
  return { authority: at('authority.pem'), certificate: at('server.pem'), key: at('server.key') };
}
