import { describe, expect, it } from 'vitest';
import { drawLayouts } from '../../src/backend/report/draw-layouts.ts';
import { zeroUnused } from '../../src/layout/layout.ts';
import type { Layout } from '../../src/layout/layout.ts';

/** Two channels of 2 × 2 in 256 slots: rows 128 slots apart, channels in the gaps, copied once. */
const layout: Layout = {
  shape: [1, 2, 2, 2],
  slots: 256,
  ciphertexts: 1,
  origin: [0, 0, 0, 0],
  digits: [
    { of: 'copy', size: 2, step: 0, place: 'slot', stride: 64 },
    { of: 2, size: 2, step: 1, place: 'slot', stride: 128 },
    { of: 3, size: 2, step: 1, place: 'slot', stride: 2 },
    { of: 1, size: 2, step: 1, place: 'slot', stride: 1 },
  ],
  unused: zeroUnused,
};

describe('drawLayouts', () => {
  it('gives a channel a colour, a position a shade, and a copy a paler one', () => {
    const svg = drawLayouts([{ name: 'conv', layout }]);
    expect(svg).toContain('>conv [1, 2, 2, 2]: one ciphertext, 16 of 256 slots used<');
    const paths = [...svg.matchAll(/<path fill="([^"]+)" d="([^"]+)"/g)].map(
      ([, colour = '', path = '']) => ({ colour, path }),
    );
    expect(paths).toHaveLength(16);
    expect(new Set(paths.map(({ colour }) => colour.split(' ')[0]))).toEqual(
      new Set(['hsl(0', 'hsl(138']),
    );
    expect(paths.filter(({ colour }) => colour.includes('/ .4'))).toHaveLength(8);
    // Channel 1 of the last position: row 1, column 3; its copy 64 slots on.
    const [first, copy] = paths.filter(({ colour }) => colour.startsWith('hsl(138 65% 62%'));
    expect(first).toMatchObject({ path: 'M3 1h1v1H3z' });
    expect(copy).toMatchObject({ path: 'M67 1h1v1H67z' });
  });

  it('draws runs of slots that look alike once', () => {
    const row = { of: 1, size: 200, step: 1, place: 'slot', stride: 1 } as const;
    const vector: Layout = {
      ...layout,
      shape: [1, 1, 200],
      origin: [0, 0, 0],
      digits: [{ ...row, of: 2 }],
    };
    const svg = drawLayouts([{ name: 'x', layout: vector }]);
    // Four shades; the third goes on in the second row.
    const path = [...svg.matchAll(/d="([^"]+)"/g)].map(([, d]) => d);
    expect(path).toEqual([
      'M0 0h50v1H0z',
      'M50 0h50v1H50z',
      'M100 0h28v1H100zM0 1h22v1H0z',
      'M22 1h50v1H22z',
    ]);
  });

  it('draws the first of several ciphertexts, and escapes names', () => {
    const split: Layout = {
      ...layout,
      ciphertexts: 2,
      digits: layout.digits.map((digit) =>
        digit.of === 1 ? { ...digit, place: 'ciphertext', stride: 1 } : digit,
      ),
    };
    const svg = drawLayouts([{ name: '<a>&"\u0000', layout: split }]);
    expect(svg).toContain(
      '&lt;a&gt;&amp;&quot;\ufffd [1, 2, 2, 2]: the first of 2 ciphertexts, 8 of',
    );
    expect(svg).not.toContain('<a>');
  });
});
