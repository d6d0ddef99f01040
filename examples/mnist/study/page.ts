/** Writes STUDY.md: tables of the figures, and what follows from them in words that the figures choose. */
import type { Machine } from '../../../bench/results/machine.ts';
import { batches, labels, largeBatch, networks } from './cells.ts';
import type { Cell, Network } from './cells.ts';
import {
  agreeing,
  chosenSeconds,
  crossover,
  executionSeconds,
  imagesAtOnce,
  isMeasured,
  modelError,
  strategies,
  strategySeconds,
} from './figures.ts';
import type { MeasuredResult, Result } from './figures.ts';
import { published } from './published.ts';

export interface StudyFacts {
  readonly machine: Machine;
  readonly version: string;
  /** Where the images come from, in words. */
  readonly images: string;
  /** Cells that are in the study but have no record yet. */
  readonly missing: readonly Cell[];
}

/** A difference below this share is called none: two runs of one plan differ by as much. */
const noise = 0.05;
/** The share by which the chosen plan may be slower than a fixed one. */
const tolerance = 0.05;

export function studyPage(results: readonly Result[], facts: StudyFacts): string {
  const present = networks.filter((network) =>
    results.some((result) => result.cell.network === network && isMeasured(result)),
  );
  return `${[
    '# Optimisation strategies on MNIST',
    `Written by \`npm run study:mnist\` from its measurements: tables, plots and sentences. Every time is that of an evaluation on encrypted
images by the native evaluator, at ${securityText(results)} bits of security by the 2024 guidelines, on ${threadText(results)}.`,
    ...missingText(facts.missing, results.length),
    '## Conclusions',
    conclusions(results, present),
    '## Packing',
    `![time of an image against the batch](study/plots/amortised.svg)`,
    ...present.map((network) => packingSection(results, network)),
    ...section(
      '## One image, optimisations left out one by one',
      present.map((network) => variantSection(results, network, 'one image', 1)),
      '![slowdowns](study/plots/slowdowns.svg)',
      `Ratios are to the plan that the compiler chooses. "Same plan" says that leaving out the optimisation changed nothing: the plan has the
same bytes, so it was not measured again.`,
    ),
    '![keys against time](study/plots/keys.svg)',
    ...section(
      `## A batch of ${count(largeBatch)} images, feature-major`,
      present.map((network) => variantSection(results, network, 'batch', largeBatch)),
    ),
    '## Published figures',
    publishedText(results),
    '## How it was measured, and what may be wrong with it',
    method(results, facts),
  ]
    .filter((part) => part !== '')
    .join('\n\n')}\n`;
}

const count = (value: number): string => value.toLocaleString('en');
const imageCount = (value: number): string => `${count(value)} ${value === 1 ? 'image' : 'images'}`;

/** So many digits, without an exponent: 3,010. */
function significant(value: number, digits: number): string {
  return value.toLocaleString('en', {
    minimumSignificantDigits: digits,
    maximumSignificantDigits: digits,
  });
}

/** A heading, what stands under it and its parts; nothing where every part is empty. */
function section(
  heading: string,
  parts: readonly string[],
  ...introduction: readonly string[]
): readonly string[] {
  return parts.every((part) => part === '') ? [] : [heading, ...introduction, ...parts];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Three digits, with a unit that keeps them readable. */
export function seconds(value: number): string {
  if (value >= 100) return `${value.toFixed(0)} s`;
  if (value >= 1) return `${significant(value, 3)} s`;
  if (value >= 1e-3) return `${significant(value * 1e3, 3)} ms`;
  return `${significant(value * 1e6, 3)} µs`;
}

export function bytes(value: number): string {
  if (value >= 1e9) return `${significant(value / 1e9, 3)} GB`;
  if (value >= 1e6) return `${significant(value / 1e6, 3)} MB`;
  return `${significant(value / 1e3, 3)} kB`;
}

const times = (ratio: number): string => `${significant(ratio, ratio >= 10 ? 2 : 3)}×`;

function agreementText(result: MeasuredResult): string {
  const share = agreeing(result.record);
  return share === null ? '–' : `${count(share[0])} of ${count(share[1])}`;
}

function securityText(results: readonly Result[]): string {
  const bits = results.filter(isMeasured).map(({ record }) => record.figures.securityBits);
  return bits.length === 0 ? '–' : `${Math.min(...bits).toFixed(0)} or more`;
}

function threadText(results: readonly Result[]): string {
  return results.some(({ cell }) => cell.threads > 1)
    ? 'one thread unless two are named'
    : 'one thread';
}

function missingText(missing: readonly Cell[], have: number): string[] {
  if (missing.length === 0) return [];
  return [
    `**Incomplete:** ${count(have)} of ${count(have + missing.length)} cells are here. \`npm run study:mnist\` measures those that are missing.`,
  ];
}

function refusalText({ record }: Result): string {
  if (record.status === 'measured') return '';
  return `${record.code}: ${record.message}`.replaceAll('|', '\\|');
}

/** Head and cells that every table of plans has. */
const planHead = [
  'latency',
  'images/s',
  'an image',
  'keys sent',
  'keys in memory',
  'request',
  'memory',
  'precision',
  'agreement',
];

function planCells(result: MeasuredResult): string[] {
  const { record } = result;
  const { figures, measurement } = record;
  const [time, images] = [executionSeconds(record), imagesAtOnce(result)];
  return [
    seconds(time),
    significant(images / time, 3),
    seconds(time / images),
    bytes(figures.keyBytes),
    bytes(figures.residentKeyBytes),
    bytes(figures.inputCiphertextBytes),
    bytes(measurement.peakMemoryBytes),
    measurement.precisionBits === null ? '–' : `${measurement.precisionBits.toFixed(1)} bits`,
    agreementText(result),
  ];
}

function packingSection(results: readonly Result[], network: Network): string {
  const own = results.filter(({ cell }) => cell.network === network && cell.group === 'packing');
  const rows = own.map((result) => [
    result.cell.label,
    count(isMeasured(result) ? imagesAtOnce(result) : result.cell.batch),
    ...(isMeasured(result)
      ? [count(result.record.figures.ringDegree), ...planCells(result)]
      : ['', refusalText(result), ...planHead.slice(1).map(() => '')]),
  ]);
  const timeRows = [...strategies, labels.chosen].map((strategy) => [
    strategy,
    ...batches.map((images) => {
      const timed =
        strategy === labels.chosen
          ? chosenSeconds(results, network, images)
          : strategySeconds(results, network, strategy, images);
      return timed === null ? '–' : seconds(timed.seconds / images);
    }),
  ]);
  return [
    `### ${network}`,
    table(['packing', 'images an execution', 'N', ...planHead], rows),
    'Time of an image in a batch of so many, with the best measured plan of each strategy, executions one after the other:',
    table(['packing', ...batches.map(count)], timeRows),
  ].join('\n\n');
}

function variantSection(
  results: readonly Result[],
  network: Network,
  group: 'one image' | 'batch',
  batch: number,
): string {
  const base = results.find(
    ({ cell }) =>
      cell.network === network &&
      cell.group === 'packing' &&
      cell.batch === batch &&
      cell.label === (group === 'batch' ? labels.featureMajor : labels.chosen),
  );
  const variants = results.filter(
    ({ cell }) => cell.network === network && cell.group === group && cell.batch === batch,
  );
  if (base === undefined || !isMeasured(base) || variants.length === 0) return '';
  const time = executionSeconds(base.record);
  const rows = [base, ...variants].map((result) => {
    if (!isMeasured(result)) {
      return [result.cell.label, refusalText(result), ...planHead.map(() => ''), '', ''];
    }
    const { record } = result;
    const { figures, sameAs } = { ...record, figures: record.figures };
    return [
      result.cell.label,
      result === base
        ? '1'
        : sameAs === base.cell.id
          ? 'same plan'
          : times(executionSeconds(record) / time),
      ...planCells(result),
      count(figures.rotationKeys),
      `${count(figures.ringDegree)}, ${figures.levels}`,
    ];
  });
  return [
    `### ${network}`,
    table(['plan', 'time', ...planHead, 'rotation keys', 'N, levels'], rows),
  ].join('\n\n');
}

/** Sentences that the figures write. */
function conclusions(results: readonly Result[], present: readonly Network[]): string {
  const sentences = present.flatMap((network) => [
    ...latencySentences(results, network),
    ...crossoverSentence(results, network),
    ...choiceSentence(results, network),
    ...optimisationSentences(results, network),
    ...keySentences(results, network),
  ]);
  return [...sentences, ...agreementSentence(results), ...modelSentence(results)]
    .map((sentence) => `- ${sentence}`)
    .join('\n');
}

function latencySentences(results: readonly Result[], network: Network): string[] {
  const one = chosenSeconds(results, network, 1);
  if (one === null) return [];
  const best = batches
    .flatMap((images) => {
      const timed = [...strategies].flatMap(
        (strategy) => strategySeconds(results, network, strategy, images) ?? [],
      );
      const chosen = chosenSeconds(results, network, images);
      return [...timed, ...(chosen === null ? [] : [chosen])].map(({ seconds: s, result }) => ({
        each: s / images,
        images,
        label: result.cell.label,
      }));
    })
    .sort((a, b) => a.each - b.each)[0];
  if (best === undefined) return [];
  const gain = one.seconds / best.each;
  const throughput =
    gain > 1 + noise
      ? `in a batch of ${count(best.images)} (${best.label}) an image takes ${seconds(best.each)}, ${times(gain)} less`
      : 'no batch that was measured makes an image cheaper';
  return [`**${network}**: one image takes ${seconds(one.seconds)}; ${throughput}.`];
}

function crossoverSentence(results: readonly Result[], network: Network): string[] {
  if (strategySeconds(results, network, labels.featureMajor, 1) === null) return [];
  const named = (others: readonly string[], what: string): string => {
    const images = crossover(results, network, others);
    return images === null
      ? `never against ${what}, up to ${count(batches.at(-1) ?? 1)} images`
      : `from ${imageCount(images)} on against ${what}`;
  };
  const parts = [named([labels.image], 'one image an execution')];
  if (strategySeconds(results, network, labels.interleaved, 1) !== null) {
    parts.push(named([labels.image, labels.interleaved], 'the better of that and interleaving'));
  }
  return [`**${network}**: feature-major is the sooner ${parts.join('; ')}.`];
}

function choiceSentence(results: readonly Result[], network: Network): string[] {
  const compared = batches.flatMap((images) => {
    const chosen = chosenSeconds(results, network, images);
    const fixed = strategies
      .flatMap((strategy) => strategySeconds(results, network, strategy, images) ?? [])
      .sort((a, b) => a.seconds - b.seconds)[0];
    if (chosen === null || fixed === undefined) return [];
    return [{ images, ratio: chosen.seconds / fixed.seconds, label: fixed.result.cell.label }];
  });
  if (compared.length === 0) return [];
  const slower = compared.filter(({ ratio }) => ratio > 1 + tolerance);
  const list = compared.map(({ images }) => count(images)).join(', ');
  return [
    slower.length === 0
      ? `**${network}**: what the compiler chooses is the fastest of all strategies, within ${tolerance * 100} %, at batches of ${list}.`
      : `**${network}**: what the compiler chooses is not the fastest at ${slower
          .map(
            ({ images, ratio, label }) =>
              `${imageCount(images)} (${label} is ${times(ratio)} as fast)`,
          )
          .join(', ')}; of batches of ${list}.`,
  ];
}

function optimisationSentences(results: readonly Result[], network: Network): string[] {
  const base = chosenSeconds(results, network, 1);
  if (base === null) return [];
  const variants = results
    .filter(isMeasured)
    .filter(
      ({ cell }) =>
        cell.network === network &&
        cell.group === 'one image' &&
        cell.threads === 1 &&
        cell.relativeTo === null,
    )
    .map((result) => ({
      label: result.cell.label,
      same: result.record.sameAs !== null,
      ratio: executionSeconds(result.record) / base.seconds,
    }));
  const text = (list: typeof variants): string =>
    list.map(({ label, ratio }) => `${label} (${times(ratio)})`).join(', ');
  const single = variants.filter(({ label }) => label !== 'none of these');
  const cost = single
    .filter(({ ratio, same }) => !same && ratio > 1 + noise)
    .sort((a, b) => b.ratio - a.ratio);
  const gain = single.filter(({ ratio, same }) => !same && ratio < 1 - noise);
  const nothing = single.filter((each) => !cost.includes(each) && !gain.includes(each));
  const whole = variants.find(({ label }) => label === 'none of these');
  const sentences = [
    ...(cost.length > 0 ? [`slower without it, the dearest first: ${text(cost)}`] : []),
    ...(gain.length > 0 ? [`faster without it: ${text(gain)}`] : []),
    ...(nothing.length > 0
      ? [
          `no difference beyond ${noise * 100} %: ${nothing
            .map(({ label, same }) => (same ? `${label} (the same plan)` : label))
            .join(', ')}`,
        ]
      : []),
    ...(whole === undefined ? [] : [`all of them left out: ${times(whole.ratio)}`]),
  ];
  return sentences.length === 0 ? [] : [`**${network}**, one image: ${sentences.join('; ')}.`];
}

function keySentences(results: readonly Result[], network: Network): string[] {
  const base = chosenSeconds(results, network, 1);
  const shares = results.filter(
    ({ cell }) => cell.network === network && cell.relativeTo?.ask.kind === 'key-share',
  );
  if (base === null || shares.length === 0) return [];
  const words = shares.map((result) => {
    if (!isMeasured(result)) return `${result.cell.label} is refused`;
    const ratio = executionSeconds(result.record) / base.seconds;
    return ratio > 1 + noise
      ? `${result.cell.label} costs ${times(ratio)} the time`
      : `${result.cell.label} costs nothing that can be measured`;
  });
  return [`**${network}**: ${words.join(', ')}.`];
}

function agreementSentence(results: readonly Result[]): string[] {
  const measured = results.filter(isMeasured).filter(({ record }) => record.sameAs === null);
  const shares = measured.flatMap((result) => {
    const share = agreeing(result.record);
    return share === null ? [] : [{ result, agree: share[0], of: share[1] }];
  });
  if (shares.length === 0) return [];
  const others = shares.filter(({ agree, of }) => agree < of);
  const images = shares.reduce((sum, { of }) => sum + of, 0);
  return [
    others.length === 0
      ? `Every encrypted answer, ${count(images)} in ${count(shares.length)} plans, has the class of the network in the clear.`
      : `${count(others.length)} of ${count(shares.length)} plans differ from the network in the clear on some image: ${others
          .map(
            ({ result, agree, of }) => `${result.cell.id} on ${count(of - agree)} of ${count(of)}`,
          )
          .join(', ')}.`,
  ];
}

/** How far the compiler's model of time is off, once this machine's speed is taken out. */
function modelSentence(results: readonly Result[]): string[] {
  const error = modelError(results);
  if (error === null) return [];
  const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
  return [
    `A second of the compiler's model, whose profile is of another machine, takes ${error.here.toFixed(2)} s here (median of ${count(error.plans)} plans on one thread). With that taken out, its estimates are off by ${percent(error.median)} (median), by ${percent(error.worst)} at worst.`,
  ];
}

function publishedText(results: readonly Result[]): string {
  const rows = published.map(({ system, what, hardware, latency, amortised, source }) => [
    system,
    what,
    hardware,
    latency,
    amortised,
    source,
  ]);
  const ours = networks.flatMap((network) => {
    const one = chosenSeconds(results, network, 1);
    const many = batches.flatMap((images) => {
      const timed = chosenSeconds(results, network, images);
      return timed === null || images === 1 ? [] : [timed.seconds / images];
    });
    if (one === null) return [];
    return [
      [
        `cipherloom, ${network}`,
        `CKKS, N = ${count(one.result.record.figures.ringDegree)}, plain weights`,
        'the machine below, one thread',
        seconds(one.seconds),
        many.length === 0 ? '' : seconds(Math.min(...many)),
        'this page',
      ],
    ];
  });
  return `${table(['system', 'what', 'hardware', 'one image', 'an image in a batch', 'source'], [...ours, ...rows])}

Other machines, networks, schemes and security levels: the figures show where this study stands, not which library is faster. 8.8 s, 2.5 s
and 34 ms are those of the companion paper, Efficient CNN Building Blocks for Encrypted Data; the MNIST table of CryptInfer itself could not
be found.`;
}

function method(results: readonly Result[], { machine, version, images }: StudyFacts): string {
  const loads = results.filter(isMeasured).flatMap(({ record }) => record.measurement.load);
  const busiest = Math.max(0, ...loads);
  const idle = machine.cores + 1;
  const dates = results
    .filter(isMeasured)
    .map(({ record }) => record.measurement.date.slice(0, 10))
    .sort();
  const busy =
    busiest > idle
      ? `The machine was busy with other work (load up to ${busiest.toFixed(1)} on ${machine.cores} cores), so times are too long and ratios uncertain.`
      : `The machine did nothing else (load at most ${busiest.toFixed(1)} on ${machine.cores} cores).`;
  const few = results.filter(
    (result) => isMeasured(result) && result.record.measurement.evaluateMs.length < 3,
  ).length;
  return [
    `cipherloom ${version}, ${machine.processor}, ${machine.cores} cores, ${bytes(machine.memoryBytes)} of memory, ${machine.vectors.join(', ')}, ${machine.system}; ${dates[0] ?? '–'} to ${dates.at(-1) ?? '–'}. Images: ${images}.`,
    `One command at a time, each a process of its own: \`cipherloom compile\` and \`cipherloom run\`, as every record in \`out/study\` says. Latency
is the median time of an execution from the bytes of a request to those of the answer, without the first where there are several: it
encodes constants that later ones find. Images/s is the batch over that time, on the evaluator alone; making keys, encrypting and
decrypting come on top. Memory is the resident peak of the whole process during evaluation, the client's included. Precision is the worst
output of all images against the same plan in float64; agreement compares classes with the original network in ONNX Runtime.`,
    `**Threats to validity.** ${busy} ${
      few > 0
        ? `${count(few)} plans ran once or twice only, large batches among them, so one disturbance shows.`
        : 'Every plan ran three times or more.'
    } A row that leaves out one optimisation lets the compiler search again without it, so it compares best plans, not one plan with a part
removed; effects of two rows do not add up. Interleaved images were measured up to 512 an execution. A batch that is larger than a plan
holds is taken as several executions one after the other, which two clients' batches would not be. All networks have x² as activation
and at most three of them: deeper networks, other activations and larger images may rank the strategies differently. One machine
was measured; another relation of memory to arithmetic moves the crossovers.`,
  ].join('\n\n');
}
