/** Constants of a program: numbers, nested arrays, typed arrays and tensors, checked. */
import { elementCount } from '../../layout/layout.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { maxEncryptedElements } from '../import-node.ts';

/** Nested arrays deeper than any tensor that is compiled. */
const maxRank = 16;

/** The tensor of a constant, or why it is none. */
export function tensorOfConstant(value: unknown): Tensor | string {
  const tensor = readConstant(value);
  if (typeof tensor === 'string') return tensor;
  if (tensor.data.length === 0) return 'it is empty';
  const at = tensor.data.findIndex((element) => !Number.isFinite(element));
  return at < 0 ? tensor : `element ${at} is ${tensor.data[at]!}`;
}

function readConstant(value: unknown): Tensor | string {
  if (typeof value === 'number') return { shape: [], data: Float64Array.of(value) };
  if (value instanceof Float32Array || value instanceof Float64Array) {
    return { shape: [value.length], data: Float64Array.from(value) };
  }
  if (Array.isArray(value)) return readNested(value);
  if (typeof value === 'object' && value !== null && 'shape' in value && 'data' in value) {
    return readTensor(value.shape, value.data);
  }
  return `it is ${value === null ? 'null' : `a ${typeof value}`}, not a number, an array or a tensor`;
}

function readTensor(shape: unknown, data: unknown): Tensor | string {
  const isShape = (list: unknown): list is number[] =>
    Array.isArray(list) && list.every((extent) => Number.isSafeInteger(extent) && extent >= 1);
  if (!isShape(shape)) return 'its shape is not a list of whole numbers from 1';
  const isData = Array.isArray(data) || (ArrayBuffer.isView(data) && 'length' in data);
  if (!isData) return 'its data is not an array';
  const elements = data as ArrayLike<unknown>;
  if (elements.length !== elementCount(shape)) {
    return `its shape [${shape.join(',')}] needs ${elementCount(shape)} elements, it has ${elements.length}`;
  }
  const values = Float64Array.from(elements, (element) =>
    typeof element === 'number' || typeof element === 'bigint' ? Number(element) : NaN,
  );
  return { shape: [...shape], data: values };
}

function readNested(value: readonly unknown[]): Tensor | string {
  const shape: number[] = [];
  for (let part: unknown = value; Array.isArray(part); part = part[0]) {
    shape.push(part.length);
    if (shape.length > maxRank) return `it is nested deeper than ${maxRank} arrays`;
  }
  if (elementCount(shape) > maxEncryptedElements) {
    return `it has ${elementCount(shape)} elements, the limit is ${maxEncryptedElements}`;
  }
  const data: number[] = [];
  const read = (part: unknown, axis: number): string | null => {
    if (axis === shape.length) {
      if (typeof part !== 'number') return `element ${data.length} is no number`;
      data.push(part);
      return null;
    }
    if (!Array.isArray(part) || part.length !== shape[axis]) {
      return `its rows differ in length: [${shape.join(',')}] at first, then another`;
    }
    for (const inner of part) {
      const problem = read(inner, axis + 1);
      if (problem !== null) return problem;
    }
    return null;
  };
  return read(value, 0) ?? { shape, data: Float64Array.from(data) };
}
