/**
 * What an evaluator of ciphertexts must offer: the executor speaks to nothing else.
 *
 * Every operation returns a new value; operands stay until `dispose`. An engine computes scales as
 * doubles of its own; the executor stamps the plan's double after each operation (`setScale`), so
 * that all evaluators agree bit for bit.
 */

/** A constant of every slot, or a vector of slots that is built when it is needed. */
export type SlotConstant = number | VectorConstant;

export interface VectorConstant {
  /**
   * Names the vector within the program: an engine may keep what it encoded under this name. Null
   * for what changes from one request to the next.
   */
  readonly key: string | null;
  /** The slots; the array is reused by the next call. */
  build(): Float64Array<ArrayBuffer>;
}

export interface ValueForm {
  /** Residues modulo q_0 … q_level. */
  readonly level: number;
  readonly scale: number;
  /** Polynomials: 2, or 3 between a product and its relinearisation. */
  readonly size: number;
}

export interface Engine<C> {
  formOf(value: C): ValueForm;
  setScale(value: C, scale: number): void;

  /** Level and scale of both are equal. */
  add(a: C, b: C): C;
  sub(a: C, b: C): C;
  /** sum += x */
  addInto(sum: C, x: C): void;
  multiply(a: C, b: C): C;
  square(x: C): C;
  /** Divide by the last prime of the level and drop it. */
  rescale(x: C): C;
  /** Drop primes without dividing. */
  dropLevel(x: C, level: number): C;
  relinearize(x: C): Promise<C>;
  /** Rotate slots to the left; `step` is in (−slots/2, slots/2] and not 0. */
  rotate(x: C, step: number): Promise<C>;

  /** x + constant, encoded at the scale of x. */
  addConstant(x: C, constant: SlotConstant): C;
  /** x · constant, encoded at `plainScale`; the product has `scale`. */
  multiplyConstant(x: C, constant: SlotConstant, plainScale: number, scale: number): C;
  /** sum += x · constant, encoded at `plainScale`. */
  multiplyAddInto(sum: C, x: C, constant: SlotConstant, plainScale: number): void;
  /**
   * An encryption of zero with the form of `x · constant`, that an observer without the key cannot
   * tell from another one.
   */
  vanishingProduct(x: C, plainScale: number, scale: number): C;
  /**
   * Whether the value is a ciphertext that anyone can read (its second polynomial is zero): what
   * products with constants that all round to zero add up to.
   */
  isTransparent(x: C): boolean;

  dispose(value: C): void;
}
