/** Typechecks generated sources against the library's own source, as a user's compiler would. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('../../..', import.meta.url));

export interface CheckedSources {
  readonly checker: ts.TypeChecker;
  /** `file:line message` of every fault in the given files. */
  readonly faults: readonly string[];
  readonly file: (name: string) => ts.SourceFile;
}

/** What a careful user switches on, beyond `strict`. */
const strictest: ts.CompilerOptions = {
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  noImplicitOverride: true,
  noImplicitReturns: true,
  noFallthroughCasesInSwitch: true,
  noPropertyAccessFromIndexSignature: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  noUncheckedSideEffectImports: true,
  erasableSyntaxOnly: true,
  verbatimModuleSyntax: true,
  isolatedModules: true,
};

/** Check files given by name; imports among them work, `cipherloom/x` is `src/x/index.ts`. */
export function checkTypes(
  sources: Readonly<Record<string, string>>,
  environment: Pick<ts.CompilerOptions, 'lib' | 'types'>,
): CheckedSources {
  const folder = join(root, 'test/backend/typescript/virtual');
  const texts = new Map(
    Object.entries(sources).map(([name, text]) => [join(folder, name), text] as const),
  );
  const options: ts.CompilerOptions = {
    ...strictest,
    ...environment,
    target: ts.ScriptTarget.ES2024,
    module: ts.ModuleKind.NodeNext,
    moduleDetection: ts.ModuleDetectionKind.Force,
    allowImportingTsExtensions: true,
    noEmit: true,
    skipLibCheck: true,
    typeRoots: [join(root, 'node_modules/@types')],
    paths: {
      'cipherloom/client': [join(root, 'src/client/index.ts')],
      'cipherloom/server': [join(root, 'src/server/index.ts')],
    },
  };
  const disk = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (path) => texts.has(path) || disk.fileExists(path),
    directoryExists: (path) => path.startsWith(folder) || disk.directoryExists?.(path) === true,
    readFile: (path) => texts.get(path) ?? disk.readFile(path),
    getSourceFile: (path, language, ...rest) => {
      const text = texts.get(path);
      return text === undefined
        ? disk.getSourceFile(path, language, ...rest)
        : ts.createSourceFile(path, text, language, true);
    },
  };
  const program = ts.createProgram([...texts.keys()], options, host);
  const file = (name: string): ts.SourceFile => {
    const found = program.getSourceFile(join(folder, name));
    if (found === undefined) throw new Error(`no file ${name}`);
    return found;
  };
  const faults = Object.keys(sources).flatMap((name) => {
    const source = file(name);
    return [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ].map(({ start = 0, messageText }) => {
      const { line } = source.getLineAndCharacterOfPosition(start);
      return `${name}:${line + 1} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
    });
  });
  return { checker: program.getTypeChecker(), faults, file };
}

/** Every node of a file; with `skip`, without those it holds for and what is inside them. */
export function nodesOf(source: ts.SourceFile, skip?: (node: ts.Node) => boolean): ts.Node[] {
  const nodes: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    if (skip?.(node) === true) return;
    nodes.push(node);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return nodes;
}
