/** Runs a plan layer by layer: on ciphertexts, simulated, in the clear, and as the model has it. */
import { drawNoise } from '../../../backend/clear/draw-noise.ts';
import type { NoiseEvaluator } from '../../../backend/clear/primitive-errors.ts';
import { activationInputs, countEscapes } from '../../../backend/clear/range-escapes.ts';
import type { RangeEscape } from '../../../backend/clear/range-escapes.ts';
import { invariant } from '../../../errors.ts';
import { interpret } from '../../../ir/interpret.ts';
import type { Program } from '../../../ir/program.ts';
import type { ClientPlan } from '../../../layout/client-plan.ts';
import type { InferenceSession } from '../../../server/index.ts';
import type { InputTensors } from '../../input-tensors.ts';
import { openSession } from '../../plan-folder.ts';
import { tensorInputs } from '../../program-inputs.ts';
import { temporaryFolder } from '../../temporary-folder.ts';
import { splitImages } from '../clear-results.ts';
import { publicTensors } from '../plan-inputs.ts';
import type { StoredReport } from '../read-report.ts';
import { runProtocol } from '../run-protocol.ts';
import type { ProtocolOptions, ProtocolRun } from '../run-protocol.ts';
import { layerError } from './layer-errors.ts';
import type { LayerError } from './layer-errors.ts';
import { layerShape, writeLayerPlan } from './layer-plan.ts';
import type { Layer } from './layer-plan.ts';

export interface LayerOptions extends ProtocolOptions {
  /** The imported model; null where only ONNX Runtime runs it. */
  readonly model: Program | null;
  /** Says which nodes became polynomials; null where the folder has none. */
  readonly report: StoredReport | null;
  readonly seed: number;
}

export interface LayerRun {
  /** The whole run; its results hold those of the layers too. */
  readonly protocol: ProtocolRun;
  readonly layers: readonly LayerError[];
  readonly leftOut: number;
  /** In the simulated run. */
  readonly escapes: readonly RangeEscape[];
}

/**
 * Run the plan with its layers as outputs, under keys of this run.
 *
 * Cost: besides the encrypted run, four runs in the clear; ciphertexts between layers stay in memory.
 */
export async function runLayers(options: LayerOptions): Promise<LayerRun> {
  const { folder, insecure, client, inputs, progress, seed } = options;
  using debug = temporaryFolder();
  await using original = await openSession(folder, { insecure, client }, { backend: 'clear' });
  const { layers, leftOut, client: layerClient } = writeLayerPlan(debug.path, original.plan);
  using own = layerClient;
  const protocol = await runProtocol({ ...options, folder: debug.path, client: own });

  progress.step('simulating');
  await using session = await openSession(
    debug.path,
    { insecure, client: own },
    { backend: 'clear' },
  );
  const evaluator: NoiseEvaluator = protocol.backend === 'seal' ? 'seal' : 'native';
  const { program } = session.plan;
  const { modulus } = program;
  invariant(modulus !== null, 'a plan has a modulus');
  const images = imagesOf(inputs);
  const known = { public: publicTensors(client.plan, inputs) };
  const activations = (options.report?.approximations ?? []).map(({ node }) => node);
  const { outputs: simulated, escapes } = await session.simulate(images, {
    ...known,
    seed,
    evaluator,
    activations,
  });
  const encoded = await session.runClear(images, {
    ...known,
    noise: drawNoise(modulus, { evaluator, seed, encodingOnly: true }),
  });
  const escaped = await escapedImages(session, activations, images, client.plan, inputs);

  progress.step('running the model layer by layer');
  const originals = options.model === null ? null : modelLayers(options.model, layers, inputs);
  const operators = operatorsOf(options.model);
  let left: readonly boolean[] = new Array<boolean>(inputs.images).fill(false);
  return {
    protocol,
    leftOut,
    escapes,
    layers: layers.map((layer) => {
      const { node, output } = layer;
      left = left.map((before, image) => before || escaped.get(node)?.[image] === true);
      return layerError({
        node,
        op: operators.get(node) ?? null,
        shape: layerShape(program, layer),
        encrypted: protocol.results.get(output) ?? [],
        clear: protocol.clear.get(output) ?? [],
        simulated: simulated.get(output) ?? [],
        encoded: encoded.get(output) ?? [],
        original: originals?.get(node) ?? null,
        escaped: left,
      });
    }),
  };
}

/** Images by input name. */
export function imagesOf({ tensors }: InputTensors): Map<string, (Float32Array | Float64Array)[]> {
  return new Map([...tensors].map(([name, tensor]) => [name, splitImages(tensor)]));
}

/** Per activation, which images leave its range in the clear. */
async function escapedImages(
  session: InferenceSession,
  activations: readonly (string | null)[],
  images: Map<string, (Float32Array | Float64Array)[]>,
  plan: ClientPlan,
  inputs: InputTensors,
): Promise<Map<string, boolean[]>> {
  const { program } = session.plan;
  const watched = activationInputs(program, activations);
  const escaped = new Map<string, boolean[]>();
  if (watched.size === 0) return escaped;
  const counter = countEscapes(program, watched);
  await session.runClear(images, {
    public: publicTensors(plan, inputs),
    watch: new Set(watched.values()),
    observe: (id, values) => {
      for (const [node, input] of watched) {
        if (input !== id) continue;
        escaped.set(node, [...(escaped.get(node) ?? []), ...counter.count(node, values)]);
      }
    },
  });
  return escaped;
}

/** The model's value of each layer, image by image: of several operations of a node the last. */
function modelLayers(
  model: Program,
  layers: readonly Layer[],
  inputs: InputTensors,
): Map<string, Float64Array[]> {
  const wanted = new Map<number, string>();
  const last = new Map<string, number>();
  model.operations.forEach(({ location }, id) => {
    if (location !== null) last.set(location, id);
  });
  for (const { node } of layers) {
    const id = last.get(node);
    if (id !== undefined) wanted.set(id, node);
  }
  const values = new Map<string, Float64Array[]>();
  const forms = tensorInputs(model);
  const images = imagesOf(inputs);
  for (let image = 0; image < inputs.images; image++) {
    const given = forms.map(({ name, shape }) => {
      const list = images.get(name) ?? [];
      // A public tensor may come once for all images.
      const data = Float64Array.from(list[Math.min(image, list.length - 1)] ?? []);
      return [name, { kind: 'tensor', tensor: { shape, data } }] as const;
    });
    interpret(model, new Map(given), {
      observe: (id, _, value) => {
        const node = wanted.get(id);
        if (node === undefined || value.kind !== 'tensor') return;
        values.set(node, [...(values.get(node) ?? []), value.tensor.data]);
      },
    });
  }
  return values;
}

/** The operator that a node ends in, as in `conv`. */
function operatorsOf(model: Program | null): Map<string, string> {
  return new Map(
    (model?.operations ?? []).flatMap(({ location, op, attributes }) => {
      const named = attributes['function'];
      return location === null
        ? []
        : [[location, typeof named === 'string' ? named : op.replace(/^nn\./, '')]];
    }),
  );
}
