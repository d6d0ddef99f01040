/** SHA-256, in browsers by Web Crypto, in Node by its own. */

/** What Node has besides; this file is compiled for browsers too. */
interface NodeModules {
  readonly 'node:crypto': { createHash(name: 'sha256'): NodeHash };
  readonly 'node:timers/promises': { readonly setImmediate: () => Promise<void> };
}
interface NodeHash {
  update(bytes: Uint8Array): void;
  digest(): Uint8Array;
}
interface NodeProcess {
  getBuiltinModule?<N extends keyof NodeModules>(name: N): NodeModules[N];
}

/** Bytes that Node hashes between two turns of its event loop: about ten milliseconds. */
const turnBytes = 2 ** 24;

/**
 * Hash bytes; 32 bytes result.
 *
 * Node's own hash reads them where they are. Web Crypto copies them first, which for the hundreds of
 * megabytes of a batch takes as long as hashing them, and as much memory again.
 */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const node = (globalThis as { readonly process?: NodeProcess }).process;
  if (node?.getBuiltinModule === undefined) {
    return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  }
  const { setImmediate } = node.getBuiltinModule('node:timers/promises');
  const hash = node.getBuiltinModule('node:crypto').createHash('sha256');
  for (let at = 0; at < bytes.length; at += turnBytes) {
    if (at > 0) await setImmediate();
    hash.update(bytes.subarray(at, at + turnBytes));
  }
  return new Uint8Array(hash.digest());
}

export const sha256Bytes = 32;

/** Read 32 bytes written in hex, or null. */
export function parseHash(hex: string): Uint8Array<ArrayBuffer> | null {
  if (!/^[0-9a-f]{64}$/.test(hex)) return null;
  return Uint8Array.from({ length: sha256Bytes }, (_, i) =>
    parseInt(hex.slice(2 * i, 2 * i + 2), 16),
  );
}

export function formatHash(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
