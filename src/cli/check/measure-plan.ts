import type { Client } from '../../client/index.ts';
import type { CommandIo } from '../define-command.ts';
import { readInputTensors } from '../input-tensors.ts';
import { openSession } from '../plan-folder.ts';
import { accuracyOf, compareResults, topClasses } from '../protocol/compare.ts';
import { imagesOf } from '../protocol/layers/run-layers.ts';
import { checkInputs, planInputs, publicTensors } from '../protocol/plan-inputs.ts';
import { readLabels } from '../protocol/read-labels.ts';
import { openReference } from '../protocol/reference-model.ts';
import { runProtocol, type ProtocolOptions } from '../protocol/run-protocol.ts';
import { summarise } from '../protocol/summarise.ts';
import { syntheticImages } from '../protocol/synthetic-images.ts';

/** Executions of a measurement on images of its own. */
const syntheticExecutions = 3;

export interface MeasureOptions {
  readonly folder: string;
  readonly client: Client;
  readonly insecure: boolean;
  readonly backend: ProtocolOptions['backend'];
  readonly threads: number | undefined;
  /** None: faint noise, on which times are those of any input. */
  readonly input: readonly string[];
  readonly limit: number | undefined;
  readonly labels: string | undefined;
  /** The original, to agree with. */
  readonly model: string | undefined;
  readonly program: string | undefined;
}

/** What a run of the plan told. */
export interface Measurement {
  readonly backend: string;
  readonly threads: number;
  readonly images: number;
  /** What was run, in a clause. */
  readonly source: string;
  /** Median of an evaluation; null without encryption, where times are of another program. */
  readonly latencyMs: number | null;
  /** On the worst image, against the plan in the clear; null without encryption, or where all is equal. */
  readonly precisionBits: number | null;
  readonly agreement: number | null;
  readonly agreementSource: string | null;
  readonly accuracy: number | null;
  /** Null where the images are made up. */
  readonly escapes: EscapedImages | null;
}

/** Images that leave ranges in the clear. */
export interface EscapedImages {
  readonly images: number;
  /** That leave any range. */
  readonly escaped: number;
  /** The same by node, the most first; those that none leaves are left out. */
  readonly nodes: readonly string[];
  /** Probability that one does, by the tails of their values. */
  readonly predicted: number;
}

/**
 * Run a plan on images, with the original model and labels beside it where they are given.
 *
 * Throws  as `readInputTensors`, `readLabels`, `openReference` and `runProtocol`
 */
export async function measurePlan(options: MeasureOptions, io: CommandIo): Promise<Measurement> {
  const { client, input, limit } = options;
  const { plan } = client;
  const inputs =
    input.length === 0
      ? syntheticImages(plan, syntheticExecutions * plan.batch)
      : readInputTensors(input, planInputs(plan), { limit });
  const labels =
    options.labels === undefined ? null : readLabels(options.labels, inputs.images, plan.outputs);
  checkInputs(plan, inputs);
  const { folder, insecure, backend, threads } = options;
  const protocol = await runProtocol({
    folder,
    client,
    insecure,
    backend,
    threads,
    inputs,
    progress: io.progress,
  });
  const encrypted = protocol.backend !== 'clear';
  const source = `${inputs.images} ${inputs.images === 1 ? 'image' : 'images'}, ${
    encrypted ? `encrypted, ${protocol.backend}` : 'without encryption'
  }`;
  const escapes = input.length === 0 ? null : await countEscaped();
  const classes = topClasses(plan.outputs, protocol.results);
  const reference = await compareWithOriginal();
  return {
    backend: protocol.backend,
    threads: protocol.threads,
    images: inputs.images,
    source,
    latencyMs: encrypted ? summarise(protocol.timingsMs.evaluate)!.median : null,
    precisionBits: encrypted
      ? compareResults(plan.outputs, protocol.results, protocol.clear).precisionBits.worst
      : null,
    agreement: reference?.agreement ?? null,
    agreementSource: reference === null ? null : `${source}, against ${reference.name}`,
    accuracy: labels === null || classes === null ? null : accuracyOf(classes, labels),
    escapes,
  };

  async function countEscaped(): Promise<EscapedImages> {
    io.progress.step('counting range escapes');
    await using session = await openSession(folder, { insecure, client }, { backend: 'clear' });
    const { escapes: byNode, escapedImages } = await session.simulate(imagesOf(inputs), {
      public: publicTensors(plan, inputs),
      noisy: false,
    });
    const most = byNode.toSorted((a, b) => b.escapedImages - a.escapedImages);
    const expected = byNode.map(
      ({ predicted, elements, images }) => (predicted * elements) / images,
    );
    return {
      images: inputs.images,
      escaped: escapedImages,
      nodes: most.filter(({ escapedImages: own }) => own > 0).map(({ node }) => node),
      predicted: Math.min(
        1,
        expected.reduce((sum, own) => sum + own, 0),
      ),
    };
  }

  async function compareWithOriginal() {
    if (options.model === undefined || input.length === 0) return null;
    await using model = await openReference(options.model, plan, options.program);
    io.progress.step(`running the original model (${model.name})`);
    const original = await model.run(inputs, (done, total) => {
      io.progress.advance(done, total);
    });
    const { agreement } = compareResults(plan.outputs, protocol.results, original);
    return { name: model.name, agreement };
  }
}
