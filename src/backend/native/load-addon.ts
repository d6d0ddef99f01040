/** Finds the native evaluator: the addon built in this folder, or the package of this platform. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { interfaceVersion } from './addon.ts';
import type { NativeAddon } from './addon.ts';
import { addonPackage, platformName, thisMachine } from './platform.ts';

export type FoundAddon =
  | { readonly addon: NativeAddon; readonly reason: null }
  | {
      readonly addon: null;
      /** Why not, in a clause. */
      readonly reason: string;
    };

/** Where `npm run build:native` puts it; the same from `src` and from `dist`. */
export const builtAddon = fileURLToPath(
  new URL('../../../native/node/cipherloom.node', import.meta.url),
);

let found: FoundAddon | null = null;

/**
 * The addon, loaded once, or why there is none.
 *
 * `CIPHERLOOM_NATIVE=0` in the environment switches it off.
 */
export function loadAddon(): FoundAddon {
  if (process.env['CIPHERLOOM_NATIVE'] === '0') {
    return { addon: null, reason: 'CIPHERLOOM_NATIVE is 0' };
  }
  found ??= search();
  return found;
}

function search(): FoundAddon {
  const platform = platformName(thisMachine());
  const require = createRequire(import.meta.url);
  const name = existsSync(builtAddon) ? builtAddon : addonPackage(platform);
  let loaded: unknown;
  try {
    loaded = require(name);
  } catch (error) {
    const absent = name !== builtAddon && hasCode(error, 'MODULE_NOT_FOUND');
    return {
      addon: null,
      reason: absent
        ? `no addon is built for ${platform}`
        : `the addon cannot be loaded: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
  const version = isAddon(loaded) ? loaded.interfaceVersion() : null;
  if (version !== interfaceVersion || !isAddon(loaded)) {
    return {
      addon: null,
      reason: `the addon is of another version (interface ${version ?? 'unknown'}, not ${interfaceVersion})`,
    };
  }
  return { addon: loaded, reason: null };
}

function isAddon(value: unknown): value is NativeAddon {
  return (
    typeof value === 'object' &&
    value !== null &&
    'interfaceVersion' in value &&
    typeof value.interfaceVersion === 'function'
  );
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
