/** SEAL's number-theoretic transform undone, slowly and by the definition. */

function powMod(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (let square = base % modulus, e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

/** The smallest 2N-th primitive root of unity: the one SEAL takes. */
function smallestRoot(ringDegree: number, modulus: bigint): bigint {
  const order = BigInt(2 * ringDegree);
  let root = 0n;
  for (let g = 2n; powMod(root, order / 2n, modulus) !== modulus - 1n; g++) {
    root = powMod(g, (modulus - 1n) / order, modulus);
  }
  const square = (root * root) % modulus;
  let smallest = root;
  for (let n = 1, power = root; n < ringDegree; n++) {
    power = (power * square) % modulus;
    if (power < smallest) smallest = power;
  }
  return smallest;
}

/** Σ_m values[m] · root^(k m) for every k. */
function fourier(values: readonly bigint[], root: bigint, modulus: bigint): bigint[] {
  if (values.length === 1) return [...values];
  const squared = (root * root) % modulus;
  const even = fourier(
    values.filter((_, m) => m % 2 === 0),
    squared,
    modulus,
  );
  const odd = fourier(
    values.filter((_, m) => m % 2 === 1),
    squared,
    modulus,
  );
  const half = even.length;
  const result = new Array<bigint>(values.length).fill(0n);
  for (let k = 0, power = 1n; k < half; k++, power = (power * root) % modulus) {
    const turned = (odd[k]! * power) % modulus;
    result[k] = (even[k]! + turned) % modulus;
    result[k + half] = (even[k]! + modulus - turned) % modulus;
  }
  return result;
}

/** Positions with their bits in the other order. */
function bitReversal(ringDegree: number): (n: number) => number {
  const bits = Math.log2(ringDegree);
  return (n) => parseInt(Array.from(n.toString(2).padStart(bits, '0')).reverse().join(''), 2);
}

/** Centred coefficients of a residue that SEAL holds transformed. */
export function centredCoefficients(transformed: BigUint64Array, modulus: bigint): bigint[] {
  const ringDegree = transformed.length;
  const reversed = bitReversal(ringDegree);
  const root = smallestRoot(ringDegree, modulus);
  const inverseRoot = powMod(root, modulus - 2n, modulus);
  const inverseDegree = powMod(BigInt(ringDegree), modulus - 2n, modulus);
  // Position n holds the value at root^(2 · reversed(n) + 1).
  const values = Array.from(transformed, (_, m) => transformed[reversed(m)]!);
  const sums = fourier(values, (inverseRoot * inverseRoot) % modulus, modulus);
  let power = inverseDegree;
  return sums.map((sum) => {
    const coefficient = (sum * power) % modulus;
    power = (power * inverseRoot) % modulus;
    return coefficient > modulus / 2n ? coefficient - modulus : coefficient;
  });
}

/** The transform of a ring's polynomial after X → X^element, by the same definition. */
export function turned(transformed: BigUint64Array, element: number): BigUint64Array {
  const ringDegree = transformed.length;
  const reversed = bitReversal(ringDegree);
  return BigUint64Array.from(transformed, (_, n) => {
    const exponent = (element * (2 * reversed(n) + 1)) % (2 * ringDegree);
    return transformed[reversed((exponent - 1) / 2)]!;
  });
}
