/** The page of `inspect`: one screen, the verdict first, the next command last. */
import pc from 'picocolors';
import type { Inspection, Layer, PlanEstimate } from '../../inspect.ts';
import {
  bitText,
  byteText,
  modelledTimeText,
  nativeMemoryText,
  numberText,
  roughTime,
  shapeText,
} from './figures.ts';
import { keyBudgetText } from './key-budget-text.ts';
import { wrapBehind } from './wrap.ts';

export interface PageForm {
  readonly columns: number;
  readonly color: boolean;
  /** The model and the options given, as typed behind `cipherloom COMMAND`. */
  readonly typed: string;
  readonly precisionBits: number;
  readonly security: number;
}

/** Width of the names of facts. */
const nameColumns = 13;
/** Of a list that is longer the rest is counted; --json has all of it. */
const shownNodes = 3;
const shownGroups = 6;
const shownLayers = 10;

export function inspectionPage(found: Inspection, form: PageForm): string {
  const sections = [
    verdictLines(found, form),
    modelLines(found, form),
    costLines(found, form),
    changeLines(found, form),
    nextLines(found, form),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function verdictLines(found: Inspection, { columns, color }: PageForm): string[] {
  const { bold, green, red, yellow } = pc.createColors(color);
  const paint = {
    works: green,
    'works-with-flags': yellow,
    'may-work': yellow,
    'does-not-work': red,
  };
  return wrapBehind('', verdictText(found), columns).map((line) =>
    bold(paint[found.verdict](line)),
  );
}

function verdictText(found: Inspection): string {
  const flags = found.needs.map(({ flag }) => flag).join(' ');
  const { estimate, estimateLeftOut, unsupported, infeasible } = found;
  const cost = estimate === null ? '' : `: ${costText(estimate)}`;
  switch (found.verdict) {
    case 'works':
      return `Works${cost}.`;
    case 'works-with-flags':
      return `Works with ${flags}${cost}.`;
    case 'may-work': {
      const withFlags = flags === '' ? '' : ` with ${flags}`;
      if (estimateLeftOut === null) return `May work${withFlags}: real inputs decide.`;
      return `May work${withFlags}: operators and levels fit, but it is too large for an estimate.`;
    }
    case 'does-not-work': {
      const open = openShapes(found);
      if (open !== null) return `Does not work yet: an input has no fixed shape. Give ${open}.`;
      if (unsupported.length === 0) return `Does not work: ${infeasible?.message ?? ''}.`;
      const kinds = [...new Set(unsupported.map(({ operator }) => operator))];
      const more = kinds.length > shownGroups ? ' and others' : '';
      const nodes = unsupported.length === 1 ? '1 part' : `${unsupported.length} parts`;
      return `Does not work: ${nodes} cannot be computed on encrypted values: ${kinds.slice(0, shownGroups).join(', ')}${more}.`;
    }
  }
}

function costText({ batch, modelledSeconds, precisionBits, keyBytes }: PlanEstimate): string {
  const time =
    modelledSeconds === null
      ? `${batch} images an execution`
      : `about ${roughTime(modelledSeconds)} ${batch === 1 ? 'an image' : `for ${batch} images`}`;
  return `${time}, ${bitText(precisionBits)} of precision, ${byteText(keyBytes)} of keys`;
}

/** The --input-shape options that are all that is missing, or null. */
function openShapes({ unsupported }: Inspection): string | null {
  const options = unsupported.map(
    ({ wayOut }) => /--input-shape \S+/.exec(wayOut ?? '')?.[0] ?? null,
  );
  const all = options.length > 0 && options.every((option) => option !== null);
  return all ? options.join(' ') : null;
}

function modelLines(found: Inspection, form: PageForm): string[] {
  const { name, inputs, outputs, operators, parameters } = found;
  const counts = Object.entries(operators).sort(([, a], [, b]) => b - a);
  const all = counts.reduce((sum, [, count]) => sum + count, 0);
  const kinds = counts.map(([operator, count]) => `${count} ${operator}`).join(', ');
  return factLines(form, [
    ['model', name],
    ...inputs.map((input): Fact => {
      const assumed = found.warnings.some(
        ({ id, node }) => id === 'INPUT_RANGE_ASSUMED' && node === input.name,
      );
      const range = input.range.map(numberText).join(', ');
      const note = assumed ? ', assumed: --input-range LO,HI says otherwise' : '';
      return ['input', `${input.name} ${shapeText(input.shape)} in [${range}]${note}`];
    }),
    ...outputs.map((output): Fact => ['output', `${output.name} ${shapeText(output.shape)}`]),
    ['operators', `${all}: ${kinds}`],
    ...(parameters === null ? [] : [['parameters', parameters.toLocaleString('en')] as const]),
  ]);
}

function costLines(found: Inspection, form: PageForm): string[] {
  const { estimate, estimateLeftOut, layers, multiplicativeDepth: depth } = found;
  if (estimate === null && depth === null && estimateLeftOut === null) return [];
  const facts: Fact[] = [];
  if (estimate !== null) {
    const { rotations, relinearisations } = estimate.operations;
    facts.push(
      [
        'ring degree',
        `${estimate.ringDegree}, log2 QP = ${estimate.logQP.toFixed(1)}: ${Math.floor(estimate.securityBits)} bits of security (${form.security} asked)`,
      ],
      ['precision', `${bitText(estimate.precisionBits)} predicted (${form.precisionBits} asked)`],
      [
        'keys',
        `${estimate.rotationKeys} for rotations: ${byteText(estimate.keyBytes)} to send, ${byteText(estimate.residentKeyBytes)} in memory`,
      ],
      ...(estimate.keyBudget === null
        ? []
        : [['key budget', keyBudgetText(estimate.keyBudget)] as const]),
      [
        'ciphertexts',
        `${byteText(estimate.inputCiphertextBytes)} in, ${byteText(estimate.outputCiphertextBytes)} out`,
      ],
      ['memory', nativeMemoryText(estimate.nativeMemory)],
      ['time', timeFact(estimate, rotations, relinearisations)],
    );
  }
  if (depth !== null) facts.push(['levels', levelsText(layers, estimate?.levels ?? depth, depth)]);
  if (estimateLeftOut !== null) facts.push(['estimate', `left out: ${estimateLeftOut}`]);
  const title =
    estimate === null
      ? 'What it takes'
      : `What it will cost, for ${estimate.batch === 1 ? 'one image' : `${estimate.batch} images`} an execution`;
  const synthetic =
    estimate?.synthetic === true
      ? wrapBehind(
          '  ',
          'Ranges come from synthetic inputs, with a wide margin: with --calibration X.npy the precision is better by 3 bits or more, and the ring may be smaller.',
          form.columns,
        )
      : [];
  const full = (estimate?.fullOutputs ?? []).flatMap((name) =>
    wrapBehind(
      '  ',
      `${JSON.stringify(name)} has an element in every slot: inputs that leave the ranges of the plan show only where a value of it is beyond its bound.`,
      form.columns,
    ),
  );
  return [title, ...factLines(form, facts), ...synthetic, ...full, ...exhaustedLines(found, form)];
}

function timeFact(estimate: PlanEstimate, rotations: number, relinearisations: number): string {
  const work = `${rotations} rotations, ${relinearisations} relinearisations`;
  return `about ${modelledTimeText(estimate.evaluatorSeconds)}; ${work}`;
}

/** Layers of as many levels together: `7: 2 Conv, 1 Gemm with 1 each; 2 Relu (degree 4) with 2 each` */
function levelsText(layers: readonly Layer[], levels: number, depth: number): string {
  const texts = grouped(layers, ({ levels: each }) => each).map((own) => {
    const kinds = grouped(own, ({ operator, degree }) => [operator, degree]).map((same) => {
      const { operator, degree } = same[0]!;
      // A square says so itself.
      const text = degree === null || degree <= 2 ? operator : `${operator} (degree ${degree})`;
      return `${same.length} ${text}`;
    });
    return `${kinds.join(', ')} with ${own[0]!.levels}${own.length === 1 ? '' : ' each'}`;
  });
  const more = levels > depth ? `; ${levels - depth} to match scales` : '';
  return texts.length === 0 ? String(levels) : `${levels}: ${texts.join('; ')}${more}`;
}

/** Where the levels run out: the layers around it, with what is used up after each. */
function exhaustedLines(
  { infeasible, layers, levelsAvailable }: Inspection,
  form: PageForm,
): string[] {
  if (infeasible?.code !== 'LEVELS_EXHAUSTED' || levelsAvailable === null) return [];
  const at = layers.findIndex(({ total }) => total > levelsAvailable);
  if (at < 0) return [];
  const from = Math.max(0, Math.min(at - 4, layers.length - shownLayers));
  const shown = layers.slice(from, from + shownLayers);
  const before = from === 0 ? [] : [`    … ${from} layers before`];
  const left = layers.length - from - shown.length;
  return [
    `  Levels used up after each layer, ${levelsAvailable} available:`,
    ...before,
    ...shown.map((layer, n) => {
      const mark = from + n === at ? '  ← none is left for it' : '';
      const line = `    ${String(layer.total).padStart(3)}  ${layer.operator} ${layer.name}`;
      return `${line.slice(0, form.columns - mark.length)}${mark}`;
    }),
    ...(left === 0 ? [] : [`    … ${left} layers after`]),
  ];
}

function changeLines(found: Inspection, { columns }: PageForm): string[] {
  const groups: Change[] = [
    ...infeasibleChanges(found),
    ...grouped(found.unsupported, ({ operator, reason, wayOut }) => [operator, reason, wayOut]).map(
      (nodes) => ({ nodes, reason: nodes[0]!.reason, ways: [nodes[0]!.wayOut] }),
    ),
    ...found.needs.map(({ nodes, reason, flag, edit }) => ({
      nodes,
      reason,
      ways: [flag, edit === null ? null : `or in PyTorch: ${edit}`],
    })),
  ];
  if (groups.length === 0) return [];
  const rest = groups.slice(shownGroups).reduce((sum, { nodes }) => sum + nodes.length, 0);
  return [
    'What to change',
    ...groups
      .slice(0, shownGroups)
      .flatMap(({ nodes, reason, ways }) => [
        ...wrapBehind('  ', `${namesText(nodes)}${reason}`, columns),
        ...ways.flatMap((way) => (way === null ? [] : wrapBehind('    → ', way, columns))),
      ]),
    ...(rest === 0 ? [] : [`  … and ${rest} more nodes; --json lists all`]),
  ];
}

interface Change {
  readonly nodes: readonly { readonly name: string; readonly operator: string }[];
  readonly reason: string;
  readonly ways: readonly (string | null)[];
}

/** What the verdict says, with the way out; what real inputs may cure is among the needs. */
function infeasibleChanges({ infeasible, verdict, nodes }: Inspection): Change[] {
  if (infeasible === null || verdict !== 'does-not-work') return [];
  const { node, code, hint } = infeasible;
  const own = nodes.filter(({ name }) => name === node);
  return [{ nodes: own, reason: `cipherloom explain ${code} has more on it`, ways: [hint] }];
}

/** `3 MaxPool (pool1, pool2, pool3): ` */
function namesText(nodes: readonly { readonly name: string; readonly operator: string }[]): string {
  if (nodes.length === 0) return '';
  const kinds = grouped(nodes, ({ operator }) => [operator]).map((own) => {
    const names = own.slice(0, shownNodes).map(({ name }) => name);
    const more = own.length > shownNodes ? ', …' : '';
    return `${own.length} ${own[0]!.operator} (${names.join(', ')}${more})`;
  });
  return `${kinds.join(', ')}: `;
}

function nextLines(found: Inspection, { typed }: PageForm): string[] {
  const flags = found.needs.map(({ flag }) => ` ${flag}`).join('');
  const open = openShapes(found);
  if (found.verdict === 'does-not-work') {
    return open === null
      ? ['Then, to see whether it is enough:', `  cipherloom inspect ${typed}`]
      : ['Next:', `  cipherloom inspect ${typed} ${open}`];
  }
  if (found.verdict === 'may-work' && found.estimateLeftOut === null) {
    return ['Next:', `  cipherloom inspect ${typed}${flags}`];
  }
  const { name = 'x', shape = [] } = found.inputs[0] ?? {};
  const data = flags.includes('X.npy')
    ? [`  (X.npy: 100 or more of ${name}, float32, ${shapeText(shape).replace(/^\[1, /, '[K, ')})`]
    : [];
  return ['Next:', `  cipherloom compile ${typed} -o plan${flags}`, ...data];
}

type Fact = readonly [name: string, value: string];

function factLines({ columns }: PageForm, facts: readonly Fact[]): string[] {
  return facts.flatMap(([name, value]) =>
    wrapBehind(`  ${name.padEnd(nameColumns)}`, value, columns),
  );
}

/** Items of equal keys together, in the order of the first of each. */
function grouped<T>(items: readonly T[], key: (item: T) => unknown): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const text = JSON.stringify(key(item));
    groups.set(text, [...(groups.get(text) ?? []), item]);
  }
  return [...groups.values()];
}
