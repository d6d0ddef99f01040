/**
 * A plan that also returns what is between its layers.
 *
 * It is another plan, with a hash and keys of its own, made and run in one process: every evaluator
 * runs it, and what the client decrypts never leaves it. A plan on a server has no such outputs.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clientPlan } from '../../../backend/plan/client-plan.ts';
import type { LoadedPlan } from '../../../backend/plan/read-plan.ts';
import { writePlan } from '../../../backend/plan/write-plan.ts';
import { Client } from '../../../client/index.ts';
import { ciphertextOf } from '../../../ir/ckks/values.ts';
import { operationOf } from '../../../ir/program.ts';
import type { Program, ValueId } from '../../../ir/program.ts';
import { planFileName } from '../../output-folder.ts';

/** Clients take 64 outputs. */
const mostOutputs = 64;

/** No bound: values beyond the plan's are what is looked for. */
const anyValue = Number.MAX_VALUE / 2 ** 8;

export interface Layer {
  /** Node of the model. */
  readonly node: string;
  /** The last value that the plan makes of it. */
  readonly value: ValueId;
  /** Name of the output. */
  readonly output: string;
}

export interface LayerPlan {
  readonly layers: readonly Layer[];
  /** Layers that are left out, for there are too many. */
  readonly leftOut: number;
  readonly client: Client;
}

/** The values at which a program can be compared with its model: of each node the last one. */
function layerValues(program: Program): Map<string, ValueId> {
  const last = new Map<string, ValueId>();
  program.operations.forEach(({ op, location, type }, value) => {
    const { size, range } = ciphertextOf(type);
    if (location === null || op === 'ckks.input' || size !== 2 || range === null) return;
    // In the order of the last values, not of the first.
    last.delete(location);
    last.set(location, value);
  });
  return last;
}

/** Write the plan into a folder, and make its client. Throws PLAN_INVALID. */
export function writeLayerPlan(folder: string, plan: LoadedPlan): LayerPlan {
  const { program, facts } = plan;
  const all = [...layerValues(program)];
  const room = mostOutputs - program.outputs.length;
  // Where there is no room for all, every second, third, … and the last.
  const every = Math.max(1, Math.ceil(all.length / Math.max(1, room)));
  const layers = all
    .filter((_, n) => (all.length - 1 - n) % every === 0)
    .slice(-Math.max(0, room))
    .map(([node, value], n): Layer => ({ node, value, output: `cipherloom.layer.${n}` }));
  const debug = {
    facts,
    program: {
      ...program,
      outputs: [
        ...program.outputs,
        ...layers.map(({ value, output }) => ({ name: output, value, postprocess: [] })),
      ],
    },
  };
  const { bytes, hash } = writePlan(debug);
  writeFileSync(join(folder, planFileName), bytes, { mode: 0o600 });
  const client = clientPlan(debug, hash);
  const outputs = client.outputs.map((output) => ({ ...output, bound: anyValue }));
  return {
    layers,
    leftOut: all.length - layers.length,
    client: Client.load({ ...client, outputs }),
  };
}

/** Elements of one image of a layer, by its shape. */
export function layerShape(program: Program, { value }: Layer): readonly number[] {
  return ciphertextOf(operationOf(program, value).type).layout.shape;
}
