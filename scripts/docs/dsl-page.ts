/** The page of the language: an introduction by hand, methods from their declarations. */
import { methodGroups } from '../../src/frontend/dsl/methods/index.ts';
import { isOptional } from '../../src/frontend/dsl/define-method.ts';
import type { Method } from '../../src/frontend/dsl/define-method.ts';
import type { Page } from './page.ts';
import { table } from './table.ts';

function signature(name: string, { parameters }: Method): string {
  const names = parameters.map((each) => each.name + (isOptional(each) ? '?' : ''));
  return `\`${name}(${names.join(', ')})\``;
}

function meaning({ parameters }: Method): string {
  return parameters.map(({ name, doc }) => `\`${name}\`: ${doc}`).join('; ');
}

const introduction = `# Programs in TypeScript

A program that no framework exports (an image filter, a statistic, a score, a network by hand) is a TypeScript file:

\`\`\`ts
import { defineProgram } from 'cipherloom/dsl';

const kernel = [
  [-1, 0, 1],
  [-2, 0, 2],
  [-1, 0, 1],
];

export default defineProgram('edges', ({ input }) => {
  const image = input('image', [1, 64, 64], { range: [0, 1] });
  return { edges: image.conv2d(kernel, { padding: 'same' }).square() };
});
\`\`\`

\`cipherloom compile edges.ts -o plan/\` takes it in the place of an ONNX file; so do \`inspect\`, \`run --model\` and \`verify --model\`.
\`examples/filters\` holds three programs with their commands.

**The file is code, and it runs**, with the rights of whoever calls the command: when it is compiled, inspected or compared with.
Do not compile a program that you would not run. It does not run where a plan is served or evaluated: a plan is data.

## The file

- It exports one program: the default export, or the only one among the named exports; \`--program NAME\` takes one of several.
- \`.ts\` and \`.mts\` files are stripped of their types, as Node does it, never compiled: \`enum\`, \`namespace\` and parameter properties are errors with their line. \`.js\` and \`.mjs\` work alike. Every file is read as an ES module.
- \`cipherloom/dsl\` and the other entries of the package are those of the installation that runs, wherever the file lies. For types in an editor, install the package beside it.
- The function of a program gets \`input\` and \`constant\` and returns its outputs by name. It may use loops, functions and data; it is not async. It must not depend on time or chance: the same file has to give the same plan. The plan's model digest is the SHA-256 of the program's IR text (as \`compile --stop-after\` prints it, constants included by value or hash), not of the file: comments at the end of a line do not change it, moved lines do, since lines are locations.

## Values

\`input(name, shape, { range: [lo, hi] })\` is a tensor that the client encrypts; without a range, [0, 1] is assumed, with a warning.
\`constant(value)\` makes a value of a constant, for the left side: \`constant(1).sub(x)\`.

Constants are numbers, nested arrays, \`Float32Array\`, \`Float64Array\`, or tensors \`{ shape, data }\` as \`readNpy\` of \`cipherloom\` returns them.
They may stand beside any value; operations among constants are computed when the program is built.

Shapes are checked twice: by the editor where their extents are literals (\`Value<[1, 64, 64]>\`), and when the program is built.
Errors name the line: \`error[SHAPE_MISMATCH]: edges.ts:11: add: the shapes [1,64,64] and [32,32] do not broadcast\`.
Every operation of the plan carries its line, too; reports and messages of the compiler show it.

Images are [height, width], [channels, height, width] or [batch, channels, height, width]. A kernel [height, width] filters each channel by itself.

## Methods
`;

/** docs/dsl.md. */
export function dslPage(): Page {
  const groups = Object.entries(methodGroups).map(([title, group]) => {
    const rows = Object.entries(group as Readonly<Record<string, Method>>).map(([name, method]) => [
      signature(name, method),
      method.summary,
      meaning(method),
    ]);
    const note =
      title === 'Activations'
        ? '\nA polynomial takes the place of each, fitted on the range that calibration finds: give `--calibration`, or write `polynomial` yourself.\n'
        : '';
    return `### ${title}\n${note}\n${table(['method', 'result', 'arguments'], rows)}\n`;
  });
  return { path: 'docs/dsl.md', text: [introduction, ...groups].join('\n') };
}
