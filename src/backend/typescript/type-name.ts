/** Names of types for a model whose name may be any string. */

const longest = 32;

/** Words that, before `Client` or `Session`, would repeat a name the generated code imports. */
const taken: ReadonlySet<string> = new Set(['', 'Inference']);

/**
 * A name in PascalCase made of the ASCII letters and digits of a model's name: `lenet-5` -> `Lenet5`.
 *
 * `Model` stands in where nothing is left; it also comes before a leading digit.
 */
export function typeName(modelName: string): string {
  const words = modelName.match(/[A-Za-z0-9]+/g) ?? [];
  const pascal = words
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')
    .slice(0, longest);
  if (taken.has(pascal)) return `${pascal}Model`;
  return /^[0-9]/.test(pascal) ? `Model${pascal}` : pascal;
}
