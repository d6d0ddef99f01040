/** Two networks that are evaluated in milliseconds, as plan folders. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile } from '../../../src/index.ts';
import { defineProgram } from '../../../src/frontend/dsl/index.ts';
import { randomSource } from '../../support/random.ts';

export const features = 16;
export const classes = 4;

const random = randomSource(10);
const weights = Array.from({ length: features }, () =>
  Array.from({ length: classes }, () => random() - 0.5),
);

/** Scores of four classes: a dense layer. */
export function linearScores(x: ArrayLike<number>): number[] {
  return Array.from({ length: classes }, (_, c) =>
    weights.reduce((sum, row, k) => sum + row[c]! * x[k]!, 0),
  );
}

/** The same of the squares. */
export function squareScores(x: ArrayLike<number>): number[] {
  return linearScores(Array.from(x, (value) => value * value));
}

const programs = {
  linear: defineProgram('linear', ({ input }) => ({
    scores: input('x', [1, features], { range: [0, 1] }).matmul(weights),
  })),
  square: defineProgram('square', ({ input }) => ({
    scores: input('x', [1, features], { range: [0, 1] })
      .square()
      .matmul(weights),
  })),
};

export type SmallModel = keyof typeof programs;

export const clearScores: Readonly<Record<SmallModel, (x: ArrayLike<number>) => number[]>> = {
  linear: linearScores,
  square: squareScores,
};

/** Compile one into a folder of this name; returns its path. */
export async function writeSmallModel(name: SmallModel, parent: string): Promise<string> {
  const folder = join(parent, name);
  const { files } = await compile(programs[name]).then((model) => ({ files: model.files() }));
  mkdirSync(folder, { recursive: true });
  for (const [file, bytes] of files) writeFileSync(join(folder, file), bytes);
  return folder;
}
