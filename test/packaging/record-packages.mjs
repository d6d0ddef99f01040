// Preloaded with --import, in threads too: notes the packages that a program loads, one name a line.
import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

const file = process.env.LOADED_PACKAGES;
registerHooks({
  load(url, context, next) {
    const [, name] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url) ?? [];
    if (name !== undefined) appendFileSync(file, `${name}\n`);
    return next(url, context);
  },
});
