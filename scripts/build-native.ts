/**
 * Build the addon of the native evaluator and put it where the package looks for it.
 *
 *   npm run build:native                                 for this machine
 *   npm run build:native -- --target aarch64-apple-darwin --output FILE
 *   node scripts/build-native.ts --if-possible           as a part of `npm run build`: without cargo,
 *                                                        or with CIPHERLOOM_NATIVE=0, it says so and is done
 */
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, renameSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { builtAddon } from '../src/backend/native/load-addon.ts';

const native = path.join(import.meta.dirname, '../native');

/** What cargo says where it cannot fetch a crate. */
const offline = /failed to (?:download|fetch|get)|could not resolve host|network failure|offline/i;

interface Artifact {
  readonly reason: string;
  readonly target?: { readonly name: string };
  readonly filenames?: readonly string[];
}

interface Built {
  readonly status: number;
  /** The library, where it was built. */
  readonly library: string | null;
  readonly messages: string;
}

async function cargoBuild(target: string | undefined): Promise<Built> {
  const args = ['build', '--release', '--locked', '-p', 'cipherloom-node'];
  args.push('--message-format', 'json-render-diagnostics');
  if (target !== undefined) args.push('--target', target);
  // Silent where there is nothing to do: it runs before every test and bench.
  if (existsSync(builtAddon)) args.push('--quiet');
  const cargo = spawn('cargo', args, { cwd: native, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let messages = '';
  cargo.stdout.on('data', (data: Buffer) => (output += data.toString()));
  cargo.stderr.on('data', (data: Buffer) => {
    messages += data.toString();
    process.stderr.write(data);
  });
  const status = await new Promise<number>((resolve, reject) => {
    cargo.on('error', reject);
    cargo.on('close', (code) => {
      resolve(code ?? 1);
    });
  });
  const artifacts = output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Artifact);
  const addon = artifacts.find(
    ({ reason, target: made }) =>
      reason === 'compiler-artifact' && made?.name === 'cipherloom_node',
  );
  const library = addon?.filenames?.find((name) => /\.(so|dylib|dll)$/.test(name)) ?? null;
  return { status, library, messages };
}

const { values } = parseArgs({
  options: {
    'if-possible': { type: 'boolean', default: false },
    target: { type: 'string' },
    output: { type: 'string', default: builtAddon },
  },
});

async function main(): Promise<number> {
  const optional = values['if-possible'];
  if (optional && process.env['CIPHERLOOM_NATIVE'] === '0') {
    console.error('native evaluator: left out, CIPHERLOOM_NATIVE is 0');
    return 0;
  }
  if (spawnSync('cargo', ['--version'], { stdio: 'ignore' }).status !== 0) {
    console.error(
      'native evaluator: cargo is not on the path; SEAL evaluates, in some 15 times the time (https://rustup.rs, then npm run build:native)',
    );
    return optional ? 0 : 1;
  }
  const { status, library, messages } = await cargoBuild(values.target);
  if (status !== 0 || library === null) {
    const reason = offline.test(messages)
      ? 'cargo could not fetch the crates of native/Cargo.lock: is the registry within reach?'
      : 'cargo could not build it; native/ needs Rust 1.89 or later (rustup update)';
    console.error(
      `native evaluator: ${reason} CIPHERLOOM_NATIVE=0 npm run build goes on with SEAL.`,
    );
    return 1;
  }
  // A process that has the old one loaded keeps it.
  copyFileSync(library, `${values.output}.new`);
  renameSync(`${values.output}.new`, values.output);
  return 0;
}

process.exitCode = await main();
