/** The programs that measure, what they need built, and where each runs. */
import path from 'node:path';

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Program {
  readonly name: string;
  /** Parameter set or network that it measures; all of its figures are of one time. */
  readonly subject: string;
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

/** Networks of examples/mnist, each with the peer whose own example has its shape. */
const peerOf = { mlp: 'orion', lola: 'orion', lenet: 'orion', tenseal: 'tenseal' } as const;

export const networks = Object.keys(peerOf);

/** --max-key-bytes of plans for the native target that are compared with a peer's keys: a little slower, far smaller. */
export const keyBudgets: Readonly<Record<string, number>> = { mlp: 14_800_000, lola: 13_000_000 };

export function profileFile(scratch: string, network: string): string {
  return path.join(scratch, `${network}.perf`);
}

/** One set or network after the other, ours first, so that figures that are compared are of one time. */
export function programs({
  root,
  peerBuild,
  scratch,
  sets,
  slowRuns,
}: Choices): readonly Program[] {
  const parameters = path.join(root, 'bench/peers/parameters.txt');
  const cargo = (
    command: string,
    options: readonly string[],
    ...rest: readonly string[]
  ): Command => ({
    file: 'cargo',
    args: [command, '--manifest-path', path.join(root, 'native/Cargo.toml'), ...options].concat(
      rest.length === 0 ? [] : ['--', ...rest],
    ),
  });
  const evaluatorBench = ['-p', 'cipherloom-ckks', '--bench', 'evaluator'];
  const script = (file: string, ...args: readonly string[]): Command => ({
    file: process.execPath,
    args: [path.join(root, 'bench', file), ...args],
  });
  const peer = (name: string, subject: string, ...args: readonly string[]): Program => ({
    name,
    subject,
    build: {
      file: 'bash',
      args: [path.join(root, 'bench/peers', name, 'build.sh')],
      environment: { PEER_BUILD: peerBuild },
    },
    run: { file: path.join(peerBuild, name, 'bench'), args },
    pinned: true,
  });
  const primitives = sets.flatMap((set): Program[] => [
    {
      name: 'native',
      subject: set,
      build: cargo('bench', ['--no-run', ...evaluatorBench]),
      run: cargo('bench', ['--quiet', ...evaluatorBench], '--json', set),
      pinned: true,
    },
    {
      name: 'node-seal',
      subject: set,
      run: script('peers/node-seal/bench.ts', parameters, set),
      pinned: true,
    },
    ...['seal', 'seal-hexl', 'lattigo', 'openfhe'].map((name) => peer(name, set, parameters, set)),
  ]);
  // The mangled names of this version carry closures, by which the profile is grouped.
  const traceable = {
    file: process.execPath,
    args: [path.join(root, 'scripts/build-native.ts')],
    environment: {
      RUSTFLAGS: '-C symbol-mangling-version=v0',
      CARGO_TARGET_DIR: path.join(scratch, 'target'),
    },
  };
  const evaluations = Object.entries(peerOf).flatMap(([network, other]): Program[] => {
    const native = (name: string, pinned: boolean, ...args: readonly string[]): Program => ({
      name,
      subject: network,
      build: traceable,
      run: script('network.ts', network, 'native', ...args),
      pinned,
    });
    const runs = String(network === 'lola' ? 21 : slowRuns);
    return [
      native('native', true, '--profile', profileFile(scratch, network)),
      native('native-all-cores', false),
      native('native-target', true, '--target', 'native', ...keyBudgetOf(network)),
      peer(other, network, network),
      {
        name: 'node-seal',
        subject: network,
        run: script('network.ts', network, 'seal', '--runs', runs),
        pinned: true,
      },
    ];
  });
  return [...primitives, ...evaluations];
}

function keyBudgetOf(network: string): readonly string[] {
  const bytes = keyBudgets[network];
  return bytes === undefined ? [] : ['--max-key-bytes', String(bytes)];
}
