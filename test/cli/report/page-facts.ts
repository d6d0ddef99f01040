import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '../../../src/client/index.ts';
import { gatherFacts } from '../../../src/cli/report/gather-facts.ts';
import type { PageFacts } from '../../../src/cli/report/page-facts.ts';
import { compile } from '../../../src/compile.ts';
import { mnistCalibration, mnistModel } from '../../support/example-networks.ts';

const known = new Map<string, Promise<PageFacts>>();

/** What the page says of an example network, compiled once a test file. */
export function exampleFacts(name: string): Promise<PageFacts> {
  const facts = known.get(name) ?? compiledFacts(name);
  known.set(name, facts);
  return facts;
}

async function compiledFacts(name: string): Promise<PageFacts> {
  const folder = await examplePlan(name);
  try {
    using client = Client.load(readFileSync(join(folder, 'client.json'), 'utf8'));
    return await gatherFacts(folder, client);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A plan folder of an example network, in a temporary folder. */
export async function examplePlan(name: string): Promise<string> {
  const compiled = await compile(mnistModel(name), { calibration: mnistCalibration() });
  const folder = mkdtempSync(join(tmpdir(), 'cipherloom-page-'));
  for (const [file, bytes] of compiled.files()) writeFileSync(join(folder, file), bytes);
  return folder;
}

/** A network of which everything was measured, and nothing is well. */
export async function measuredFacts(): Promise<PageFacts> {
  const facts = await exampleFacts('relu');
  const { layers, report, evidence } = facts;
  const found = (value: number, images: number) => ({ value, images, file: 'run.json' });
  return {
    ...facts,
    evidence: {
      ...evidence,
      accuracy: {
        original: found(0.9928, 10_000),
        polynomial: found(0.9232, 10_000),
        simulated: found(0.921, 1000),
        encrypted: found(0.92, 100),
      },
      loss: { polynomial: found(0.0696, 10_000), encrypted: found(0.07, 100) },
      agreement: found(0.93, 100),
      precisionBits: found(12.8, 100),
      latency: { value: { ms: 1527, evaluator: 'native, 2 threads' }, images: 100, file: 'r.json' },
      peakMemoryBytes: found(2 ** 29, 100),
      budgets: [
        {
          name: 'accuracy',
          option: '--min-accuracy',
          limit: 0.98,
          figure: 0.92,
          bound: 'least',
          source: 'measured on 100 images',
          met: false,
        },
      ],
      layerErrors: new Map(
        layers.map(({ name }, k) => [
          name,
          {
            measured: k === 0 ? 0 : 2 ** -20,
            simulated: k === 1 ? null : 2 ** -21,
            approximation: k % 2 === 0 ? 0.3 : null,
            rangeEscape: k === 2 ? 0.9 : null,
          },
        ]),
      ),
      wrongLayer: { node: layers[2]!.name, cause: 'range escape', error: 0.9, limit: 0.25 },
      escapes: {
        value: new Map(
          report.approximations.map(({ node }) => [
            node ?? '',
            {
              node: node ?? '',
              escaped: 31,
              elements: 235_200,
              escapedImages: 9,
              images: 100,
              predicted: 1.2e-4,
            },
          ]),
        ),
        images: 100,
        file: 'simulation.json',
      },
      files: ['run.json', 'simulation.json', 'verify.json'],
    },
  };
}

/** A residual network of 400 layers, as far as the page is concerned. */
export async function largeFacts(): Promise<PageFacts> {
  const facts = await exampleFacts('relu');
  const [input, linear, product] = facts.layers;
  const [choice] = facts.report.choices;
  const [approximation] = facts.report.approximations;
  const layers = Array.from({ length: 400 }, (_, k) => ({
    ...(k === 0 ? input! : k % 2 === 0 ? product! : linear!),
    name: `/layer${k}/block/with/a/rather/long/name/Conv_${k}`,
    reads: k === 0 ? [] : k % 6 === 5 ? [k - 5, k - 1] : [k - 1],
    timeShare: 1 / 400,
  }));
  return {
    ...facts,
    layers,
    report: {
      ...facts.report,
      choices: layers.map(({ name }) => ({ ...choice!, node: name })),
      approximations: layers.map(({ name }) => ({ ...approximation!, node: name })),
    },
  };
}

/** Names that would break a page that did not escape them. */
export const hostileNames = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onload='alert(1)",
  '\u202egnp.exe \u0007\u001b[31m\u0000',
  '𝕳é好'.repeat(400),
  '&amp;&#60;b&#62;</title></style><b>',
  '\ud800 half of a character',
];

/** A network that an enemy named. */
export async function hostileFacts(): Promise<PageFacts> {
  const facts = await exampleFacts('relu');
  const named = (k: number): string => hostileNames[k % hostileNames.length]!;
  const { report, client, plan, evidence } = facts;
  return {
    ...facts,
    client: {
      ...client,
      name: named(0),
      inputs: client.inputs.map((input, k) => ({ ...input, name: named(k + 1) })),
      outputs: client.outputs.map((output, k) => ({ ...output, name: named(k + 4) })),
    },
    plan: {
      ...plan,
      program: {
        ...plan.program,
        outputs: plan.program.outputs.map((output, k) => ({ ...output, name: named(k) })),
        operations: plan.program.operations.map((operation, k) => ({
          ...operation,
          location: named(k),
        })),
      },
    },
    layers: facts.layers.map((layer, k) => ({ ...layer, name: named(k) })),
    report: {
      ...report,
      name: named(0),
      producer: named(1),
      choices: report.choices.map((choice, k) => ({ ...choice, node: named(k), chosen: named(k) })),
      approximations: report.approximations.map((row, k) => ({
        ...row,
        node: named(k),
        op: named(k),
        method: named(k + 1),
      })),
      approximationError: report.approximationError.map((row, k) => ({ ...row, output: named(k) })),
      warnings: hostileNames.map((message) => ({ id: 'CALIBRATION_SMALL', message })),
    },
    evidence: { ...evidence, files: hostileNames, foreign: hostileNames },
  };
}
