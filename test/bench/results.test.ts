import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judge } from '../../bench/results/aims.ts';
import type { Machine } from '../../bench/results/machine.ts';
import { readMeasurements } from '../../bench/results/measurement.ts';
import type { Measurement } from '../../bench/results/measurement.ts';
import { resultsPage } from '../../bench/results/page.ts';
import { readParameterSets } from '../../bench/results/parameter-sets.ts';
import { profileOf } from '../../bench/results/profile.ts';

const machine: Machine = {
  processor: 'Some CPU',
  cores: 2,
  memoryBytes: 2 ** 34,
  vectors: ['avx2'],
  hasAvx512: false,
  caches: ['L2 512K'],
  system: 'Linux 6',
  tools: ['Node v24'],
};

function line(fields: Partial<Measurement>): Measurement {
  const defaults = { library: 'cipherloom', version: '0.1.0', operation: 'rotate' };
  return { ...defaults, median: 100, min: 90, runs: 21, ...fields };
}

const rotations: readonly Measurement[] = [
  line({ kernel: 'scalar', set: 'I', median: 400 }),
  line({ kernel: 'avx2', set: 'I' }),
  line({ library: 'node-seal', version: '7.0.0', set: 'I', median: 900 }),
  line({ library: 'SEAL + HEXL', version: '4.4.3', set: 'I', median: 300 }),
  line({ library: 'floor', kernel: 'avx2', set: 'I', median: 50 }),
];

function verdicts(measurements: readonly Measurement[], hasAvx512: boolean): Map<string, string> {
  return new Map(judge(measurements, hasAvx512).map(({ aim, verdict }) => [aim.text, verdict]));
}

describe('readMeasurements', () => {
  it('leaves out what is not JSON and keeps every field', () => {
    const one = line({ set: 'I', kernel: 'avx2' });
    const network = line({ network: 'lola', operation: 'evaluate', keyBytes: 5, note: 'n' });
    const text = ['warming up', JSON.stringify(one), '', JSON.stringify(network)].join('\n');
    expect(readMeasurements(text)).toEqual([one, network]);
  });

  it('refuses figures that are no times', () => {
    expect(() => readMeasurements(JSON.stringify(line({ median: -1 })))).toThrow();
    expect(() => readMeasurements('{"library":"x"}')).toThrow();
  });
});

describe('readParameterSets', () => {
  it('reads names and numbers, and names a bad line', () => {
    expect(readParameterSets('# comment\nI 16384 8 45 49\n')).toEqual([
      { name: 'I', ringDegree: 16384, primes: 8, primeBits: 45, specialBits: 49 },
    ]);
    expect(() => readParameterSets('I 16384 8 45')).toThrow("'I 16384 8 45'");
    expect(() => readParameterSets('I 16384 8 45 many')).toThrow('many');
  });
});

describe('judge', () => {
  it('asks nothing of two threads that had less than two cores, and compares targets with themselves', () => {
    const lenet = (fields: Partial<Measurement>): Measurement =>
      line({ network: 'lenet', operation: 'evaluate, wall clock', ...fields });
    const aim = 'lenet, two threads, against one thread';
    const slow = (processorScaling: number): (string | undefined)[] => {
      const two = lenet({ threads: 2, median: 80, processorScaling });
      return [
        verdicts([lenet({ threads: 1 }), two], true).get(aim),
        // A plan for another target is no answer to the same question.
        verdicts([lenet({ threads: 1, target: 'native' }), two], true).get(aim),
      ];
    };
    expect(slow(1.95)).toEqual(['not met', 'not measured']);
    expect(slow(1.4)).toEqual(['not measurable here', 'not measured']);
    const fast = lenet({ threads: 2, median: 50, processorScaling: 1.4 });
    expect(verdicts([lenet({ threads: 1 }), fast], true).get(aim)).toBe('met');
  });

  it('takes the fastest kernel unless an aim names one', () => {
    const ratios = new Map(judge(rotations, true).map(({ aim, ratio }) => [aim.text, ratio]));
    expect(ratios.get('rotate, against node-seal')).toBe(9);
    expect(ratios.get('rotate, scalar kernel, against node-seal')).toBe(2.25);
    expect(ratios.get('rotate, over its floor')).toBe(2);
  });

  it('holds an aim chosen for AVX-512 against a machine that has it, and only there', () => {
    expect(verdicts(rotations, true).get('rotate, against node-seal')).toBe('not met');
    expect(verdicts(rotations, false).get('rotate, against node-seal')).toBe('not measurable here');
    expect(verdicts(rotations, false).get('rotate, against node-seal, with AVX2 alone')).toBe(
      'met',
    );
  });

  it('never calls a comparison with HEXL met without AVX-512', () => {
    expect(verdicts(rotations, false).get('rotate, against SEAL + HEXL')).toBe(
      'not measurable here',
    );
    expect(verdicts(rotations, true).get('rotate, against SEAL + HEXL')).toBe('met');
  });

  it('says what was not measured', () => {
    expect(verdicts([], true).get('lola, one thread, against Orion v2')).toBe('not measured');
  });

  it('never loses an aim it met when ours becomes faster', () => {
    const time = fc.integer({ min: 1, max: 1000 });
    fc.assert(
      fc.property(time, time, time, (other, ours, faster) => {
        const met = (median: number): boolean =>
          verdicts(
            [line({ set: 'I', median }), line({ library: 'node-seal', set: 'I', median: other })],
            true,
          ).get('rotate, against node-seal') === 'met';
        return !met(ours) || met(Math.min(ours, faster));
      }),
    );
  });
});

describe('profileOf', () => {
  it('groups mangled symbols by what they do', () => {
    const profile = profileOf(
      'lola',
      [
        '# Samples: 10',
        '   6  [.] _RINvNtCs6_4ring6kernel8run_avx2NtNtNtB4_3ntt7forward13ForwardLiftedEB4_',
        '   2  [.] _RINvNtCs6_4ring6kernel8run_avx2INtNtB4_13inner_product13InnerProductsKj2_EE',
        '   1  [.] _RINvNtCs6_4ring6kernel8run_ifmaINtNtB4_15packed_products14PackedProductsKb1_EE',
        '   1  [.] _RNvMs_NtCs6_4ring6galois5apply',
      ].join('\n'),
    );
    expect(profile).toEqual({
      network: 'lola',
      samples: 10,
      shares: [
        { activity: 'number-theoretic transforms', share: 0.6 },
        { activity: 'products with encoded constants', share: 0.3 },
        { activity: 'automorphisms', share: 0.1 },
      ],
    });
  });
});

describe('resultsPage', () => {
  const sets = readParameterSets('I 16384 8 45 49');
  const record = { date: '2026-01-02T03:04:05Z', load: [0.5, 1] as const };
  const page = resultsPage({
    machine,
    sets,
    records: [
      { name: 'native', subject: 'I', ...record, measurements: rotations },
      {
        name: 'openfhe',
        subject: 'I',
        ...record,
        measurements: [],
        unavailable: 'cmake is not installed',
      },
      {
        name: 'orion',
        subject: 'lola',
        ...record,
        measurements: [line({ library: 'Orion v2', network: 'lola', operation: 'evaluate' })],
      },
    ],
    profiles: [{ network: 'lola', samples: 10, shares: [{ activity: 'other', share: 1 }] }],
  });

  it('puts our fastest kernel first and ratios to it beside the others', () => {
    const head = page.split('\n').find((row) => row.startsWith('| µs'));
    expect(head).toBe(
      '| µs, median / least (times ours) | cipherloom, avx2 | cipherloom, scalar | node-seal | SEAL + HEXL |',
    );
    expect(page).toContain(
      '| rotate | 100 / 90.0 | 400 / 90.0 (4.00×) | 900 / 90.0 (9.00×) | 300 / 90.0 (3.00×) |',
    );
  });

  it('says why a peer has no figures', () => {
    expect(page).toContain('| openfhe | – | I | no: cmake is not installed |');
  });

  it('has the floor as a sentence, not as a library', () => {
    expect(page).toContain(
      'Floor of a rotation, from the measured transforms and the bandwidth of memory: 50.0 µs (avx2).',
    );
    expect(page).not.toContain('| floor');
  });

  it('names set, network and machine', () => {
    expect(page).toContain('### Set I: N = 16384, 8 primes of 45 bits, special prime of 49 bits');
    expect(page).toContain('| lola | Orion v2 | evaluate | 1 |');
    expect(page).toContain('Some CPU, 2 cores');
    expect(page).toContain('| other | 100.0 % |');
  });
});
