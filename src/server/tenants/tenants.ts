/** Who may use a server: tokens, each naming a tenant. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { CipherloomError } from '../../errors.ts';

export interface Tenants {
  /** The tenant of an `Authorization` header, or null; takes the same time for every token. */
  tenantOf(authorization: string | undefined): string | null;
}

/** The tenant of a server without tokens, which listens to its own machine only. */
export const localTenant = 'local';

/** Everybody is the one tenant. */
export const oneTenant: Tenants = { tenantOf: () => localTenant };

/** Tenants name folders. */
const linePattern = /^([a-z0-9][a-z0-9_-]{0,63})\s+([0-9a-f]{64})$/;

/**
 * Read a file of lines `TENANT SHA256-OF-TOKEN`; empty lines and lines that begin with # are skipped.
 *
 * A tenant may have several tokens. Throws FILE_UNREADABLE; DATA_INVALID with the line.
 */
export async function readTenants(path: string): Promise<Tenants> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new CipherloomError('FILE_UNREADABLE', `cannot open ${path}`, {
      phase: 'server',
      node: path,
      cause,
      hint: 'check the path and its permissions',
    });
  });
  const entries = text.split('\n').flatMap((raw, index) => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return [];
    const match = linePattern.exec(line);
    if (match === null) {
      throw new CipherloomError('DATA_INVALID', `${path}:${index + 1} is no TENANT SHA256 line`, {
        phase: 'server',
        node: path,
        details: { line: index + 1 },
        hint: `a-z, 0-9, _ and - for the tenant; printf %s "$TOKEN" | sha256sum for the other`,
      });
    }
    return [{ tenant: match[1]!, hash: Buffer.from(match[2]!, 'hex') }];
  });
  if (entries.length === 0) {
    throw new CipherloomError('DATA_INVALID', `${path} holds no token`, {
      phase: 'server',
      node: path,
      hint: 'write a line: TENANT SHA256-OF-TOKEN',
    });
  }
  return {
    tenantOf(authorization) {
      const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? '';
      const hash = createHash('sha256').update(token).digest();
      let found: string | null = null;
      // All of them, so that the time does not tell which one matched.
      for (const entry of entries) if (timingSafeEqual(entry.hash, hash)) found = entry.tenant;
      return token === '' ? null : found;
    },
  };
}
