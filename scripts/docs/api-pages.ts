/** docs/api: a page for each entry of the package, from the declarations that it exports. */
/* eslint-disable @typescript-eslint/no-unsafe-class-instance-assignment -- ts-morph makes its nodes itself */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Node, Project, Scope, SyntaxKind } from 'ts-morph';
import type { ClassDeclaration, ExportedDeclarations, JSDocableNode } from 'ts-morph';
import type { Page } from './page.ts';
import { table } from './table.ts';

const root = path.join(import.meta.dirname, '../..');
const generated =
  '<!-- Written by `npm run docs` from the entries of package.json; do not edit. -->';

interface Entry {
  /** What users import: `cipherloom/client`. */
  readonly name: string;
  /** Name of the page: `client`. */
  readonly page: string;
  readonly source: string;
}

function entries(): Entry[] {
  const { name, exports } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    readonly name: string;
    readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
  };
  return Object.entries(exports).flatMap(([key, target]) =>
    typeof target === 'string'
      ? []
      : [
          {
            name: key.replace('.', name),
            page: key === '.' ? name : key.slice(2).replaceAll('/', '-'),
            source: target.default.replace('./dist/', 'src/').replace(/\.js$/, '.ts'),
          },
        ],
  );
}

/** One page an entry, and the index. */
export function apiPages(): Page[] {
  const project = new Project({
    tsConfigFilePath: path.join(root, 'tsconfig.json'),
    skipAddingFilesFromTsConfig: true,
  });
  const all = entries();
  const files = all.map(({ source }) => project.addSourceFileAtPath(path.join(root, source)));
  project.resolveSourceFileDependencies();
  /** Where a declaration stands that several entries export: on the page of the first. */
  const homes = new Map<Node, Entry>();
  const summaries: [string, string][] = [];
  const pages = files.map((file, n): Page => {
    const entry = all[n]!;
    const introduction = (file.getStatements()[0] ?? file)
      .getLeadingCommentRanges()
      .map((range) => plainComment(range.getText()))
      .join('\n\n');
    const [summary = ''] = introduction.split('\n\n', 1);
    summaries.push([`[${entry.name}](${entry.page}.md)`, summary.replaceAll('\n', ' ')]);
    const sections = [...file.getExportedDeclarations()].map(([name, declarations]) => {
      const [first] = declarations;
      const home = first === undefined ? undefined : homes.get(first);
      if (home !== undefined) {
        return `## ${name}\n\nAs in [${home.name}](${home.page}.md#${name.toLowerCase()}).`;
      }
      for (const declaration of declarations) homes.set(declaration, entry);
      const text = declarations.map((each) => declarationText(name, each)).join('\n\n');
      return `## ${name}\n\n<!-- not run: a declaration -->\n\n\`\`\`ts\n${text}\n\`\`\``;
    });
    const text = [`# ${entry.name}`, generated, summary, ...sections];
    return { path: `docs/api/${entry.page}.md`, text: text.join('\n\n') };
  });
  const index = [
    '# TypeScript',
    generated,
    'What the package exports, entry by entry. Everything else is internal and may change in any release.',
    table(['entry', 'is'], summaries),
  ];
  return [{ path: 'docs/api/README.md', text: index.join('\n\n') }, ...pages];
}

/** A declaration as a reader of types sees it: without bodies, private members and initial values. */
function declarationText(name: string, declaration: ExportedDeclarations): string {
  if (Node.isClassDeclaration(declaration)) return classText(declaration);
  if (Node.isFunctionDeclaration(declaration)) {
    return (
      docsOf(declaration) +
      withoutBody(declaration).replace(/^export (async )?function \w+/, `function ${name}`)
    );
  }
  if (Node.isVariableDeclaration(declaration)) {
    const statement = declaration.getVariableStatement();
    const type = declaration.getTypeNode();
    return `${statement === undefined ? '' : docsOf(statement)}const ${name}${type === undefined ? '' : `: ${type.getText()}`};`;
  }
  return declaration
    .getFullText()
    .trim()
    .replace(/^export /m, '');
}

function classText(declaration: ClassDeclaration): string {
  const heritage = [
    ...[declaration.getExtends()].flatMap((base) =>
      base === undefined ? [] : [`extends ${base.getText()}`],
    ),
    ...(declaration.getImplements().length === 0
      ? []
      : [
          `implements ${declaration
            .getImplements()
            .map((each) => each.getText())
            .join(', ')}`,
        ]),
  ].join(' ');
  const members = declaration.getMembers().flatMap((member) => {
    if (Node.isClassStaticBlockDeclaration(member)) return [];
    if (
      member.getScope() !== Scope.Public ||
      member.getFirstChildByKind(SyntaxKind.PrivateIdentifier) !== undefined
    )
      return [];
    if (Node.isPropertyDeclaration(member)) {
      const initializer = member.getInitializer();
      const text = member.getText();
      const end =
        initializer === undefined ? text.length : initializer.getStart() - member.getStart();
      return [docsOf(member) + `${text.slice(0, end).replace(/\s*[=;]\s*$/, '')};`];
    }
    return [docsOf(member) + withoutBody(member)];
  });
  return `${docsOf(declaration)}declare class ${declaration.getName() ?? ''} ${heritage} {\n${members.join('\n\n')}\n}`;
}

/** The text up to the body, if there is one. */
function withoutBody(node: Node): string {
  const body = Node.isBodyable(node) || Node.isBodied(node) ? node.getBody() : undefined;
  const text = node.getText();
  return `${(body === undefined ? text : text.slice(0, body.getStart() - node.getStart())).replace(/^async /, '').replace(/[\s;]+$/, '')};`;
}

function docsOf(node: JSDocableNode): string {
  return node
    .getJsDocs()
    .map((doc) => `${doc.getText()}\n`)
    .join('');
}

/** The prose of a comment, up to its first tag. */
function plainComment(comment: string): string {
  return comment
    .replace(/^\/\*\*?|\*\/$/g, '')
    .replaceAll(/^ *\* ?/gm, '')
    .split(/^@/m)[0]!
    .trim();
}
