/**
 * Compose rotations of steps that have keys: trees of rotations from a value to all that are wanted.
 *
 * What is rotated is decomposed once for all rotations made from it, so a tree of few inner nodes is
 * cheap: of the rotations made so far, the one goes on that reaches the most of those still missing.
 */
import type { Composition } from '../../ir/packed/compositions.ts';
import { centredRotation } from '../../ir/packed/diagonals.ts';

/** A tree under construction; rotations modulo the number of slots. */
class Tree {
  readonly #mask: number;
  /** Rotations on the way to each; −1 for what the tree does not hold. */
  readonly depth: Int16Array<ArrayBuffer>;
  /** In the order in which they came. */
  readonly nodes: number[] = [0];
  readonly list: Composition[] = [];

  constructor(slots: number) {
    this.#mask = slots - 1;
    this.depth = new Int16Array(slots).fill(-1);
    this.depth[0] = 0;
  }

  has(rotation: number): boolean {
    return this.depth[rotation & this.#mask]! >= 0;
  }

  /** Add `from` + `step`. */
  add(from: number, step: number): void {
    const rotation = (from + step) & this.#mask;
    this.depth[rotation] = this.depth[from & this.#mask]! + 1;
    this.nodes.push(rotation);
    if ((from & this.#mask) === 0) return;
    const slots = this.#mask + 1;
    this.list.push({ rotation: centredRotation(rotation, slots), step });
  }
}

/**
 * Compose rotations other than 0 of steps, each of at most `longest` of them, sharing what they have in
 * common; null where some rotation is out of reach. Those that are steps are not composed.
 *
 * Cost: a step for each pair of a rotation and a step, and for each pair of rotations; where steps do not
 * lead from one wanted rotation to another, one for each pair of a slot and a step.
 */
export function growTree(
  rotations: readonly number[],
  steps: readonly number[],
  slots: number,
  longest: number,
): Composition[] | null {
  const mask = slots - 1;
  const tree = new Tree(slots);
  const missing = new Set(rotations.map((rotation) => rotation & mask));
  // Most of the time of a search goes by in the loops over them: indices are a quarter faster than `of`.
  const all = Int32Array.from(steps);
  const isStep = new Uint8Array(slots);
  for (const step of all) isStep[step & mask] = 1;
  // How many of the missing are one step away.
  const near = new Int32Array(slots);
  const addNear = (rotation: number, count: number): void => {
    for (let k = all.length - 1; k >= 0; k--) near[(rotation - all[k]!) & mask]! += count;
  };
  for (const rotation of missing) addNear(rotation, 1);
  const reach = (from: number, step: number): void => {
    tree.add(from, step);
    const rotation = (from + step) & mask;
    if (!missing.delete(rotation)) return;
    addNear(rotation, -1);
  };
  const goOn = (from: number): void => {
    for (const rotation of [...missing]) {
      const step = (rotation - from) & mask;
      if (isStep[step] === 1) reach(from, centredRotation(step, slots));
    }
  };
  goOn(0);
  while (missing.size > 0) {
    let best = -1;
    for (const node of tree.nodes) {
      if (tree.depth[node]! >= longest || (near[node] ?? 0) === 0) continue;
      if (best < 0 || near[node]! > near[best]!) best = node;
    }
    if (best < 0) {
      const bridge = bridgeTo(tree, near, steps, slots, longest);
      if (bridge === null) return null;
      for (const [from, step] of bridge) reach(from, step);
      best = bridge.at(-1)![0] + bridge.at(-1)![1];
      best &= mask;
    }
    goOn(best);
  }
  return tree.list;
}

/** The shortest way from a tree to a rotation from which one of the missing is a step away. */
function bridgeTo(
  tree: Tree,
  near: Int32Array,
  steps: readonly number[],
  slots: number,
  longest: number,
): (readonly [from: number, step: number])[] | null {
  const mask = slots - 1;
  const cameBy = new Map<number, number>();
  let front = tree.nodes.filter((node) => tree.depth[node]! < longest - 1);
  const depth = new Map(front.map((node) => [node, tree.depth[node]!]));
  while (front.length > 0) {
    const next: number[] = [];
    let best = -1;
    for (const node of front) {
      for (const step of steps) {
        const rotation = (node + step) & mask;
        if (tree.has(rotation) || depth.has(rotation)) continue;
        depth.set(rotation, depth.get(node)! + 1);
        cameBy.set(rotation, step);
        if (depth.get(rotation)! < longest - 1) next.push(rotation);
        if (near[rotation]! > 0 && (best < 0 || near[rotation]! > near[best]!)) best = rotation;
      }
    }
    if (best >= 0) {
      const way: (readonly [number, number])[] = [];
      for (let at = best; !tree.has(at);) {
        const step = cameBy.get(at)!;
        at = (at - step) & mask;
        way.push([at, step]);
      }
      return way.reverse();
    }
    front = next;
  }
  return null;
}

/**
 * Compose each rotation of as few steps as there can be; null where one takes more than `longest`.
 *
 * Cost: a step for each pair of a slot and a step, at most.
 */
export function shortestChains(
  rotations: readonly number[],
  steps: readonly number[],
  slots: number,
  longest: number,
): Composition[] | null {
  const mask = slots - 1;
  const cameBy = new Int32Array(slots);
  const seen = new Uint8Array(slots);
  seen[0] = 1;
  let left = rotations.filter((rotation) => (rotation & mask) !== 0);
  let front = [0];
  for (let length = 0; length < longest && left.length > 0 && front.length > 0; length++) {
    const next: number[] = [];
    for (const node of front) {
      for (const step of steps) {
        const rotation = (node + step) & mask;
        if (seen[rotation] === 1) continue;
        seen[rotation] = 1;
        cameBy[rotation] = step;
        next.push(rotation);
      }
    }
    left = left.filter((rotation) => seen[rotation & mask] === 0);
    front = next;
  }
  if (left.length > 0) return null;
  const list = new Map<number, Composition>();
  for (const rotation of rotations) {
    for (let at = rotation & mask; at !== 0;) {
      const step = cameBy[at]!;
      const before = (at - step) & mask;
      if (before !== 0) {
        const centred = centredRotation(at, slots);
        list.set(at, { rotation: centred, step });
      }
      at = before;
    }
  }
  return [...list.values()];
}
