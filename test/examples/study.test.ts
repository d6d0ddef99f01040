/** The page of the MNIST study says what its figures say. */
import { describe, expect, it } from 'vitest';
import {
  cellsOf,
  imagesMeasured,
  labels,
  networks,
  selectCells,
} from '../../examples/mnist/study/cells.ts';
import type { Cell } from '../../examples/mnist/study/cells.ts';
import { crossover, executionSeconds } from '../../examples/mnist/study/figures.ts';
import type { Result } from '../../examples/mnist/study/figures.ts';
import { studyPage } from '../../examples/mnist/study/page.ts';
import { plotsOf } from '../../examples/mnist/study/plots.ts';
import type { CellRecord, Measured } from '../../examples/mnist/study/record.ts';

const facts = {
  machine: {
    processor: 'a processor',
    cores: 2,
    memoryBytes: 24e9,
    vectors: ['avx2'],
    hasAvx512: false,
    caches: [],
    system: 'Linux',
    tools: [],
  },
  version: '0.0.0',
  images: 'the MNIST test set',
  missing: [],
};

function measured(cell: Cell, seconds: number, changes: Partial<Measured> = {}): CellRecord {
  return {
    status: 'measured',
    id: cell.id,
    commands: [],
    figures: {
      planHash: cell.id,
      ringDegree: 8192,
      logQP: 200,
      securityBits: 131.4,
      levels: 4,
      specialPrimes: 1,
      rotationKeys: 20,
      keyBytes: 2e7,
      residentKeyBytes: 8e7,
      inputCiphertextBytes: 4e5,
      outputCiphertextBytes: 1e5,
      modelledSeconds: seconds * 1.1,
      modelledMemoryBytes: 2e8,
      compileMs: 1000,
    },
    measurement: {
      images: 20,
      threads: cell.threads,
      keygenMs: 100,
      encryptMs: 5,
      evaluateMs: [seconds * 2000, seconds * 1000, seconds * 1000, seconds * 1000],
      decryptMs: 1,
      peakMemoryBytes: 3e8,
      precisionBits: 14.25,
      agreement: 1,
      agreementReference: 'ONNX Runtime',
      accuracy: null,
      backend: 'native',
      load: [0.5, 1],
      date: '2026-11-21T10:00:00.000Z',
    },
    sameAs: null,
    ...changes,
  };
}

/** Every cell of lola at a time that `secondsOf` gives; null where it refuses. */
function study(secondsOf: (cell: Cell) => number | null): Result[] {
  return cellsOf('lola').map((cell) => {
    const seconds = secondsOf(cell);
    return {
      cell,
      record:
        seconds === null
          ? {
              status: 'refused',
              id: cell.id,
              commands: [],
              code: 'TOO_LARGE',
              message: 'too | big',
            }
          : measured(cell, seconds),
    };
  });
}

/** One image 0.1 s, interleaved 0.2 s, feature-major 10 s; the compiler takes the best of them. */
function usual({ label, batch }: Cell): number {
  if (label === labels.interleaved) return 0.2;
  if (label === labels.featureMajor) return 10;
  if (label === labels.chosen)
    return batch === 1 ? 0.1 : Math.min(0.2 * Math.ceil(batch / 512), 10);
  return 0.1;
}

describe('cells', () => {
  it('have names of their own, and come after those they are relative to', () => {
    for (const network of networks) {
      const cells = cellsOf(network);
      expect(new Set(cells.map(({ id }) => id)).size).toBe(cells.length);
      cells.forEach(({ relativeTo }, k) => {
        if (relativeTo === null) return;
        expect(cells.slice(0, k).map(({ id }) => id)).toContain(relativeTo.id);
      });
    }
  });

  it('bring along those that they are relative to', () => {
    const ids = selectCells({ only: ['lola.one-image.1-8'], quick: false }).map(({ id }) => id);
    expect(ids).toHaveLength(2);
    expect(ids[0]).toBe(cellsOf('lola')[0]!.id);
  });

  it('take fewer images where an execution holds fewer than the batch', () => {
    const cell = (batch: number): Cell => cellsOf('lenet').find((each) => each.batch === batch)!;
    expect(imagesMeasured(cell(4096), 4096)).toBe(3 * 4096);
    expect(imagesMeasured(cell(4096), 8)).toBe(100);
    expect(imagesMeasured(cell(512), 64)).toBe(6 * 64);
    expect(imagesMeasured(cell(1), 1)).toBe(cell(1).images);
  });
});

describe('the page', () => {
  it('takes the median of executions, without the first of several', () => {
    const [cell] = cellsOf('lola');
    const record = measured(cell!, 0.1);
    expect(record.status === 'measured' && executionSeconds(record)).toBe(0.1);
  });

  it('finds the crossover in the figures', () => {
    const results = study(usual);
    // 10 s against 0.1 s an image: sooner from the 101st on.
    expect(crossover(results, 'lola', [labels.image])).toBe(101);
    const never = study((cell) => (cell.label === labels.featureMajor ? 1e6 : usual(cell)));
    expect(crossover(never, 'lola', [labels.image])).toBeNull();
    expect(studyPage(results, facts)).toContain('from 101 images on against one image');
    expect(studyPage(never, facts)).toContain('never against one image an execution');
  });

  it('says whether the choice was the fastest', () => {
    expect(studyPage(study(usual), facts)).toContain('is the fastest of all strategies');
    const wrong = study((cell) =>
      cell.label === labels.chosen && cell.batch === 8 ? 0.5 : usual(cell),
    );
    const page = studyPage(wrong, facts);
    expect(page).toContain('is not the fastest at 8 images (images interleaved is 2.50×');
  });

  it('writes large figures without an exponent', () => {
    const page = studyPage(
      study((cell) => (cell.label === 'none of these' ? 21 : usual(cell) / 100)),
      facts,
    );
    expect(page).toContain('all of them left out: 21,000×');
    expect(page).not.toMatch(/\de\+/);
  });

  it('sorts optimisations into those that gain, that cost and that do nothing', () => {
    const page = studyPage(
      study((cell) => {
        if (cell.label === 'no hoisting') return 0.15;
        if (cell.label === 'no baby-step giant-step') return 0.3;
        if (cell.label === 'no patches from the client') return 0.05;
        return usual(cell);
      }),
      facts,
    );
    expect(page).toContain(
      'slower without it, the dearest first: no baby-step giant-step (3.00×), no hoisting (1.50×)',
    );
    expect(page).toContain('faster without it: no patches from the client (0.500×)');
    expect(page).toMatch(/no difference beyond 5 %: [^\n]*eager rescaling/);
  });

  it('does not hide what was refused, missing or wrong', () => {
    const results = study((cell) => (cell.label.startsWith('1/8') ? null : usual(cell)));
    const page = studyPage(results, { ...facts, missing: cellsOf('mlp').slice(0, 3) });
    expect(page).toContain('TOO_LARGE: too \\| big');
    expect(page).toContain('1/8 of the keys is refused');
    expect(page).toContain('**Incomplete:**');
    const [first, ...others] = study(usual);
    const { record } = first!;
    if (record.status !== 'measured') throw new Error('it was measured');
    const odd = { ...record, measurement: { ...record.measurement, agreement: 0.95 } };
    expect(studyPage([{ ...first!, record: odd }, ...others], facts)).toContain('on 1 of 20');
    expect(studyPage(study(usual), facts)).toContain('has the class of the network in the clear');
  });

  it('names a busy machine, and the companion paper', () => {
    const page = studyPage(study(usual), facts);
    expect(page).toContain('The machine did nothing else');
    expect(page).toMatch(/8\.8 s, 2\.5 s\s+and 34 ms are those of the companion paper/);
    const busy = study(usual).map(({ cell, record }): Result => {
      if (record.status !== 'measured') return { cell, record };
      return { cell, record: { ...record, measurement: { ...record.measurement, load: [9, 9] } } };
    });
    expect(studyPage(busy, facts)).toContain('The machine was busy with other work');
  });
});

it('plots are SVG with the names of what they show, the same each time', async () => {
  const results = study(usual);
  const plots = await plotsOf(results);
  expect([...plots.keys()]).toEqual(['amortised.svg', 'slowdowns.svg', 'keys.svg']);
  for (const svg of plots.values()) {
    expect(svg).toMatch(/^<svg /);
    expect(svg).toContain('lola');
  }
  expect(plots.get('amortised.svg')).toContain(labels.featureMajor);
  expect(plots.get('slowdowns.svg')).toContain('no hoisting');
  const again = await plotsOf(results);
  for (const [name, svg] of plots) expect(again.get(name) === svg, name).toBe(true);
});
