/** The plots of the study, as SVG. */
import { View, parse, resetSVGDefIds } from 'vega';
import { compile } from 'vega-lite';
import type { TopLevelSpec } from 'vega-lite';
import { batches, labels, networks } from './cells.ts';
import {
  chosenSeconds,
  executionSeconds,
  isMeasured,
  strategies,
  strategySeconds,
} from './figures.ts';
import type { Result } from './figures.ts';

async function svg(spec: TopLevelSpec): Promise<string> {
  // Names of clips count on from one plot to the next otherwise.
  resetSVGDefIds();
  const view = new View(parse(compile(spec).spec), { renderer: 'none' });
  try {
    return `${await view.toSVG()}\n`;
  } finally {
    view.finalize();
  }
}

const [plotWidth, plotHeight] = [260, 190];
const labelWidth = 300;
/** Ticks of a logarithmic axis: its decades. */
const decades = { tickCount: 6 };
const schema = 'https://vega.github.io/schema/vega-lite/v6.json';

/** Time of an image against the batch, a line for each strategy, one picture a network. */
function amortised(results: readonly Result[]): Promise<string> {
  const values = networks.flatMap((network) =>
    batches.flatMap((images) => {
      const point = (strategy: string, seconds: number | undefined) =>
        seconds === undefined ? [] : [{ network, images, strategy, ms: (seconds / images) * 1000 }];
      return [
        ...strategies.flatMap((strategy) =>
          point(strategy, strategySeconds(results, network, strategy, images)?.seconds),
        ),
        ...point(labels.chosen, chosenSeconds(results, network, images)?.seconds),
      ];
    }),
  );
  return svg({
    $schema: schema,
    background: 'white',
    data: { values },
    facet: { field: 'network', type: 'nominal', title: null, sort: [...networks] },
    columns: 2,
    resolve: { scale: { y: 'independent' } },
    spec: {
      width: plotWidth,
      height: plotHeight,
      mark: { type: 'line', point: true, clip: true },
      encoding: {
        x: {
          field: 'images',
          type: 'quantitative',
          scale: { type: 'log', base: 2 },
          axis: { values: [...batches], format: 'd' },
          title: 'images in the batch',
        },
        y: {
          field: 'ms',
          type: 'quantitative',
          scale: { type: 'log' },
          title: 'evaluation of an image, ms',
          axis: decades,
        },
        color: {
          field: 'strategy',
          type: 'nominal',
          title: 'packing',
          sort: [...strategies, labels.chosen],
          legend: { labelLimit: labelWidth },
        },
        strokeDash: {
          condition: { test: `datum.strategy === '${labels.chosen}'`, value: [5, 4] },
          value: [1, 0],
        },
      },
    },
  });
}

/** What leaving out an optimisation costs one image, as a multiple of the chosen plan's time. */
function slowdowns(results: readonly Result[]): Promise<string> {
  const values = networks.flatMap((network) => {
    const base = chosenSeconds(results, network, 1);
    if (base === null) return [];
    return results
      .filter(isMeasured)
      .filter(({ cell }) => cell.network === network && cell.group === 'one image')
      .map(({ cell, record }) => ({
        network,
        label: cell.label,
        ratio: executionSeconds(record) / base.seconds,
      }));
  });
  return svg({
    $schema: schema,
    background: 'white',
    data: { values },
    width: plotWidth * 1.6,
    height: { step: 9 },
    mark: 'bar',
    encoding: {
      y: {
        field: 'label',
        type: 'nominal',
        title: null,
        sort: null,
        axis: { labelLimit: labelWidth },
      },
      yOffset: { field: 'network', type: 'nominal', sort: [...networks] },
      x: {
        field: 'ratio',
        type: 'quantitative',
        scale: { type: 'log' },
        title: 'evaluation of one image, as a multiple of the chosen plan',
        axis: { values: [0.5, 1, 2, 5, 10, 20, 50, 100, 200] },
      },
      // Bars start at the chosen plan, to the left where a row is faster.
      x2: { datum: 1 },
      color: { field: 'network', type: 'nominal', sort: [...networks], title: null },
    },
  });
}

/** Bytes of keys against time, every plan for one image. */
function keys(results: readonly Result[]): Promise<string> {
  const values = results
    .filter(isMeasured)
    .filter(({ cell }) => cell.batch === 1 && cell.threads === 1)
    .map(({ cell, record }) => ({
      network: cell.network,
      label: cell.label,
      megabytes: record.figures.keyBytes / 1e6,
      seconds: executionSeconds(record),
      chosen: cell.group === 'packing' && cell.label === labels.chosen,
    }));
  return svg({
    $schema: schema,
    background: 'white',
    data: { values },
    width: plotWidth * 1.6,
    height: plotHeight * 1.4,
    mark: { type: 'point', filled: true },
    encoding: {
      x: {
        field: 'megabytes',
        type: 'quantitative',
        scale: { type: 'log' },
        title: 'keys that a client sends, MB',
        axis: decades,
      },
      y: {
        field: 'seconds',
        type: 'quantitative',
        scale: { type: 'log' },
        title: 'evaluation of one image, s',
        axis: decades,
      },
      color: { field: 'network', type: 'nominal', sort: [...networks], title: null },
      size: { condition: { test: 'datum.chosen', value: 140 }, value: 35 },
    },
  });
}

/** Plots by file name. */
export async function plotsOf(results: readonly Result[]): Promise<Map<string, string>> {
  return new Map([
    ['amortised.svg', await amortised(results)],
    ['slowdowns.svg', await slowdowns(results)],
    ['keys.svg', await keys(results)],
  ]);
}
