/** The one file that knows ts-morph's project: structures in, source text out. */
import {
  IndentationText,
  NewLineKind,
  Project,
  QuoteKind,
  type ImportDeclarationStructure,
  type OptionalKind,
  type StatementStructures,
} from 'ts-morph';
import { InternalError } from '../../errors.ts';

/** A statement; text stands as it is, with the blank line that should precede it. */
export type Statement = StatementStructures | string;

export interface SourceStructure {
  /** Lines of the comment that opens the file. */
  readonly header: readonly string[];
  readonly imports: readonly OptionalKind<ImportDeclarationStructure>[];
  readonly statements: readonly Statement[];
}

/**
 * Print a source file.
 *
 * Cost    about 20 ms; the first time half a second, to start the parser that ts-morph carries
 * Throws  INTERNAL when the text is not TypeScript: a name got through unescaped
 */
export function printSourceFile(fileName: string, structure: SourceStructure): string {
  const project = new Project({
    useInMemoryFileSystem: true,
    skipAddingFilesFromTsConfig: true,
    // Only the syntax is checked: no need to read the standard library.
    compilerOptions: { noLib: true, types: [] },
    manipulationSettings: {
      indentationText: IndentationText.TwoSpaces,
      newLineKind: NewLineKind.LineFeed,
      quoteKind: QuoteKind.Single,
      useTrailingCommas: true,
    },
  });
  const header = ['/**', ...structure.header.map((line) => ` * ${line}`.trimEnd()), ' */', ''];
  const file = project.createSourceFile(fileName, header.join('\n'));
  file.addImportDeclarations([...structure.imports]);
  file.addStatements([...structure.statements]);
  const faults = project.getProgram().getSyntacticDiagnostics(file);
  if (faults.length > 0) {
    throw new InternalError(`the generated ${fileName} is not TypeScript`, {
      details: { faults: faults.map((fault) => [fault.getLineNumber(), fault.getCode()]) },
    });
  }
  // ts-morph puts a blank line around some statements, where ours bring their own.
  return file.getFullText().replaceAll(/\n{3,}/g, '\n\n');
}
