/** The evaluators of ciphertexts that tests run on. */
import { loadAddon } from '../../src/backend/native/load-addon.ts';

const { addon, reason } = loadAddon();
if (addon === null && process.env['CIPHERLOOM_REQUIRE_NATIVE'] === '1') {
  throw new Error(`CIPHERLOOM_REQUIRE_NATIVE is 1, but ${reason}`);
}

/** Null where the addon is not built. */
export const nativeAddon = addon;

/** Seal, and native where its addon is built. */
export const encryptedBackends: readonly ('seal' | 'native')[] =
  addon === null ? ['seal'] : ['seal', 'native'];
