/** The files of deploy/ are well formed, fit each other, and name options that the commands have. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { parseArguments } from '../../src/cli/parse-arguments.ts';
import serve from '../../src/cli/commands/serve.ts';
import worker from '../../src/cli/commands/worker.ts';

type Node = Readonly<Record<string, unknown>>;

const deploy = join(import.meta.dirname, '../../deploy');
const kubernetes = join(deploy, 'kubernetes');

function documents(file: string): Node[] {
  return parseAllDocuments(readFileSync(file, 'utf8'), { uniqueKeys: true }).map((document) => {
    expect(document.errors, file).toEqual([]);
    return document.toJS() as Node;
  });
}

/** A value under a path of keys. */
function at(node: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Node | undefined)?.[key], node);
}

const manifests = readdirSync(kubernetes).flatMap((name) => documents(join(kubernetes, name)));
const compose = documents(join(deploy, 'compose.yaml'))[0]!;
const containerfile = readFileSync(join(deploy, 'Containerfile'), 'utf8');

function manifest(kind: string, name?: string): Node {
  const found = manifests.find(
    (node) =>
      node['kind'] === kind && (name === undefined || at(node, 'metadata', 'name') === name),
  );
  expect(found, `${kind} ${name ?? ''}`).toBeDefined();
  return found!;
}

/** Check the words of a command as the command line does. */
function requireCommand(words: readonly unknown[]): void {
  const [name, ...rest] = words.map((word) => String(word).replaceAll('{{.Name}}', 'mnist'));
  const command = name === 'serve' ? serve : worker;
  expect(name).toBe(command.name);
  expect(() => parseArguments(command, rest)).not.toThrow();
}

interface Container {
  readonly args: readonly string[];
  readonly image: string;
  readonly volumeMounts?: readonly { readonly name: string }[];
  readonly ports?: readonly { readonly containerPort: number }[];
}

function pods(): { spec: Node; container: Container; claims: readonly unknown[] }[] {
  return [
    manifest('StatefulSet'),
    manifest('Deployment'),
    { spec: { template: manifest('ServingRuntime') } },
  ].map((node) => {
    const spec = at(node, 'spec', 'template', 'spec') as Node;
    const claims = (at(node, 'spec', 'volumeClaimTemplates') ?? []) as readonly unknown[];
    return { spec, container: at(spec, 'containers', 0) as Container, claims };
  });
}

describe('deploy/kubernetes', () => {
  it('starts server and workers with options that they have', () => {
    requireCommand((at(manifest('ServingRuntime'), 'spec', 'containers', 0) as Container).args);
    const deployment = manifest('Deployment');
    requireCommand((at(deployment, 'spec', 'template', 'spec', 'containers', 0) as Container).args);
  });

  it('mounts volumes that are there', () => {
    for (const { spec, container, claims } of pods()) {
      const volumes = [
        ...((spec['volumes'] ?? []) as readonly { readonly name: string }[]).map(
          ({ name }) => name,
        ),
        ...claims.map((claim) => at(claim, 'metadata', 'name')),
      ];
      for (const { name } of container.volumeMounts ?? []) expect(volumes).toContain(name);
      for (const volume of (spec['volumes'] ?? []) as readonly Node[]) {
        const claim = at(volume, 'persistentVolumeClaim', 'claimName');
        if (typeof claim === 'string') manifest('PersistentVolumeClaim', claim);
        const secret = at(volume, 'secret', 'secretName');
        if (typeof secret === 'string') manifest('Secret', secret);
      }
    }
  });

  it('selects the pods that it labels', () => {
    for (const node of [manifest('StatefulSet'), manifest('Deployment')]) {
      expect(at(node, 'spec', 'template', 'metadata', 'labels')).toMatchObject(
        at(node, 'spec', 'selector', 'matchLabels') as object,
      );
    }
    const nats = manifest('Service');
    expect(at(manifest('StatefulSet'), 'spec', 'template', 'metadata', 'labels')).toMatchObject(
      at(nats, 'spec', 'selector') as object,
    );
    expect(at(manifest('StatefulSet'), 'spec', 'serviceName')).toBe(at(nats, 'metadata', 'name'));
  });

  it('scales the workers by a metric of the server', () => {
    const scaled = manifest('ScaledObject');
    manifest('Deployment', String(at(scaled, 'spec', 'scaleTargetRef', 'name')));
    const trigger = at(scaled, 'spec', 'triggers', 0) as Node;
    const metrics = readFileSync(
      join(import.meta.dirname, '../../src/server/http/metrics.ts'),
      'utf8',
    );
    expect(metrics).toContain(`'${String(at(trigger, 'metadata', 'valueLocation'))}'`);
    expect(at(trigger, 'metadata', 'url')).toBe(
      `http://${String(at(manifest('InferenceService'), 'metadata', 'name'))}-predictor/metrics`,
    );
  });

  it('lets KServe find the runtime of the model', () => {
    const runtime = manifest('ServingRuntime');
    const model = at(manifest('InferenceService'), 'spec', 'predictor', 'model') as Node;
    expect(model['runtime']).toBe(at(runtime, 'metadata', 'name'));
    expect(at(runtime, 'spec', 'supportedModelFormats', 0)).toMatchObject(
      at(model, 'modelFormat') as object,
    );
    expect(at(runtime, 'spec', 'protocolVersions')).toContain(model['protocolVersion']);
  });
});

describe('deploy/compose.yaml and deploy/Containerfile', () => {
  const services = at(compose, 'services') as Readonly<Record<string, Node>>;

  it('starts server and workers with options that they have', () => {
    for (const name of ['server', 'worker']) {
      requireCommand(services[name]!['command'] as readonly unknown[]);
    }
  });

  it('depends on services and volumes that are there', () => {
    const volumes = Object.keys(at(compose, 'volumes') as object);
    for (const service of Object.values(services)) {
      for (const other of (service['depends_on'] ?? []) as readonly string[]) {
        expect(Object.keys(services)).toContain(other);
      }
      for (const volume of (service['volumes'] ?? []) as readonly string[]) {
        const [name = ''] = volume.split(':');
        if (!name.startsWith('.')) expect(volumes).toContain(name);
      }
    }
  });

  it('gives containers longer to stop than their drain takes', () => {
    const seconds = (command: typeof serve): number =>
      Number(parseArguments(command, ['x', '--queue', 'nats://x']).args['drainTimeout']);
    for (const name of ['server', 'worker']) {
      expect(parseInt(String(services[name]!['stop_grace_period']))).toBeGreaterThan(
        seconds(name === 'server' ? serve : worker),
      );
    }
  });

  it('copies what is there, into an image of a Node that is new enough', () => {
    const root = join(import.meta.dirname, '../..');
    const copied = [...containerfile.matchAll(/^COPY (?!--from)(.+)$/gm)].flatMap(([, words]) =>
      words!.split(' ').slice(0, -1),
    );
    expect(copied.length).toBeGreaterThan(5);
    for (const path of copied) expect(readdirSync(root)).toContain(path);
    const engines = /"node": ">=(\d+)/.exec(readFileSync(join(root, 'package.json'), 'utf8'))?.[1];
    const images = [...containerfile.matchAll(/^FROM \S+\/node:(\d+)/gm)];
    expect(images.map(([, version]) => version)).toEqual([engines, engines]);
    expect(containerfile).toMatch(/^USER node$/m);
  });
});
