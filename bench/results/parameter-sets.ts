/** The parameter sets of the primitives, one a line of peers/parameters.txt. */

export interface ParameterSet {
  readonly name: string;
  readonly ringDegree: number;
  /** Data primes; each is a digit of key switching. */
  readonly primes: number;
  readonly primeBits: number;
  readonly specialBits: number;
}

/** Read the sets of a parameter file. Throws an error that names a line of another form. */
export function readParameterSets(text: string): readonly ParameterSet[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => {
      const [name = '', ...numbers] = line.trim().split(/\s+/);
      const [ringDegree, primes, primeBits, specialBits, ...more] = numbers.map(Number);
      const all = [ringDegree, primes, primeBits, specialBits];
      if (more.length > 0 || all.some((n) => n === undefined || !Number.isInteger(n) || n < 1)) {
        throw new Error(`parameters: '${line}' is not a name and four numbers`);
      }
      const [n = 0, count = 0, bits = 0, special = 0] = all;
      return { name, ringDegree: n, primes: count, primeBits: bits, specialBits: special };
    });
}
