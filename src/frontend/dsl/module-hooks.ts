/** How modules are found while a program is loaded. */
import { registerHooks } from 'node:module';

/** This package by name, or one of its entries. */
const own = /^cipherloom(?:\/|$)/;

/**
 * Until disposed: `cipherloom` and its entries are this installation, and the program's file is a
 * module whatever the folder around it says.
 */
export function resolveForPrograms(program: string, format: string): Disposable {
  const hooks = registerHooks({
    resolve(specifier, context, nextResolve) {
      // As if this very file imported it: a package knows itself by its name.
      if (own.test(specifier)) {
        return nextResolve(specifier, { ...context, parentURL: import.meta.url });
      }
      const found = nextResolve(specifier, context);
      return found.url === program ? { ...found, format } : found;
    },
  });
  return {
    [Symbol.dispose]: () => {
      hooks.deregister();
    },
  };
}
