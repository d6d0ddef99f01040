/** The programs that measure, what they need built, and where each runs. */
import path from 'node:path';

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Program {
  readonly name: string;
  /** Run first; where it fails, the last line it wrote to stderr says why there are no figures. */
  readonly build?: Command;
  readonly run: Command;
  /** On one core alone; else on all. */
  readonly pinned: boolean;
}

export interface Choices {
  readonly root: string;
  /** Where peers are built. */
  readonly peerBuild: string;
  /** Scratch, for profiles. */
  readonly scratch: string;
  /** Parameter sets of the primitives. */
  readonly sets: readonly string[];
  /** Evaluations of the networks that take seconds. */
  readonly slowRuns: number;
}

export const networks = ['lola', 'lenet'];

export function profileFile(scratch: string, network: string): string {
  return path.join(scratch, `${network}.perf`);
}

/** Ours first, so that a short run has the reference of the ratios. */
export function programs({
  root,
  peerBuild,
  scratch,
  sets,
  slowRuns,
}: Choices): readonly Program[] {
  const parameters = path.join(root, 'bench/peers/parameters.txt');
  const cargo = (...args: readonly string[]): Command => ({
    file: 'cargo',
    args: [...args, '--manifest-path', path.join(root, 'native/Cargo.toml')],
  });
  const evaluatorBench = ['-p', 'cipherloom-ckks', '--bench', 'evaluator'];
  const script = (file: string, ...args: readonly string[]): Command => ({
    file: process.execPath,
    args: [path.join(root, 'bench', file), ...args],
  });
  const addon = (flags: string, target: string): Command => ({
    file: 'sh',
    args: [path.join(root, 'native/node/build.sh')],
    environment: { RUSTFLAGS: flags, CARGO_TARGET_DIR: target },
  });
  const peer = (name: string, ...args: readonly string[]): Program => ({
    name,
    build: {
      file: 'bash',
      args: [path.join(root, 'bench/peers', name, 'build.sh')],
      environment: { PEER_BUILD: peerBuild },
    },
    run: { file: path.join(peerBuild, name, 'bench'), args },
    pinned: true,
  });
  // The mangled names of this version carry closures, by which the profile is grouped.
  const traceable = addon('-C symbol-mangling-version=v0', path.join(scratch, 'target'));
  const native = networks.flatMap((network): Program[] => [
    {
      name: `native-${network}`,
      build: traceable,
      run: script('network.ts', network, 'native', '--profile', profileFile(scratch, network)),
      pinned: true,
    },
    {
      name: `native-${network}-all-cores`,
      build: traceable,
      run: script('network.ts', network, 'native'),
      pinned: false,
    },
  ]);
  return [
    {
      name: 'native',
      build: cargo('bench', '--no-run', ...evaluatorBench),
      run: (({ file, args }) => ({ file, args: [...args, '--', '--json', ...sets] }))(
        cargo('bench', '--quiet', ...evaluatorBench),
      ),
      pinned: true,
    },
    {
      name: 'node-seal',
      run: script('peers/node-seal/bench.ts', parameters, ...sets),
      pinned: true,
    },
    ...['seal', 'seal-hexl', 'lattigo', 'openfhe'].map((name) => peer(name, parameters, ...sets)),
    ...native,
    peer('orion', ...networks),
    { name: 'seal-lola', run: script('network.ts', 'lola', 'seal'), pinned: true },
    {
      name: 'seal-lenet',
      run: script('network.ts', 'lenet', 'seal', '--runs', String(slowRuns)),
      pinned: true,
    },
  ];
}
