/** A growing list of the entries of a matrix, in 16 bytes each: lists of numbers take several times that. */

export interface EntryList {
  readonly push: (out: number, input: number, value: number) => void;
  /** The entries in the order they came. */
  readonly finish: () => {
    readonly out: Int32Array<ArrayBuffer>;
    readonly input: Int32Array<ArrayBuffer>;
    readonly value: Float64Array<ArrayBuffer>;
  };
}

export function entryList(): EntryList {
  let length = 0;
  let out = new Int32Array(1024);
  let input = new Int32Array(1024);
  let value = new Float64Array(1024);
  const grow = (): void => {
    const copy = <T extends Int32Array<ArrayBuffer> | Float64Array<ArrayBuffer>>(
      larger: T,
      smaller: T,
    ): T => {
      larger.set(smaller);
      return larger;
    };
    out = copy(new Int32Array(2 * length), out);
    input = copy(new Int32Array(2 * length), input);
    value = copy(new Float64Array(2 * length), value);
  };
  return {
    push(o, i, v) {
      if (length === out.length) grow();
      out[length] = o;
      input[length] = i;
      value[length] = v;
      length++;
    },
    finish: () => ({
      out: out.subarray(0, length),
      input: input.subarray(0, length),
      value: value.subarray(0, length),
    }),
  };
}
