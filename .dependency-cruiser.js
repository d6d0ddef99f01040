// Import directions (docs/architecture.md). errors.ts is a leaf that every folder may import.

const only = (name, comment, from, allowed) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { path: '^src/', pathNot: [from, '^src/errors\\.ts$', ...allowed] },
});

const onlyFrom = (name, comment, module, from) => ({
  name,
  comment,
  severity: 'error',
  from: { path: '^src/', pathNot: from },
  to: { path: `(^|/)node_modules/${module}(/|$)` },
});

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no-circular',
      comment: 'A cycle means that two files are one; say which of them owns the shared part.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-orphans',
      comment: 'Nothing imports this file and it imports nothing: dead code.',
      severity: 'error',
      from: { orphan: true, path: '^src/', pathNot: ['\\.d\\.ts$'] },
      to: {},
    },
    {
      name: 'not-to-unresolvable',
      comment: 'The import does not resolve.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-dev-dependency',
      comment: 'What src imports must be installed with the package.',
      severity: 'error',
      from: { path: '^src/' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg'],
        dependencyTypesNot: ['npm-peer', 'type-only'],
      },
    },

    only('errors-is-a-leaf', 'errors.ts imports nothing of ours.', '^src/errors\\.ts$', []),
    only(
      'layout-is-a-leaf',
      'Layout and the client part of the plan depend on nothing.',
      '^src/layout/',
      [],
    ),
    only('seal-is-a-leaf', 'seal knows SEAL, not the compiler.', '^src/seal/', ['^src/layout/']),
    only('ir-imports-layout', 'ir stands on layout alone.', '^src/ir/', ['^src/layout/']),
    only('frontend-imports-ir', 'frontend makes ir.', '^src/frontend/', [
      '^src/ir/',
      '^src/layout/',
    ]),
    only('passes-import-ir', 'passes turn ir into ir.', '^src/passes/', [
      '^src/ir/',
      '^src/layout/',
    ]),
    only('backend-imports-ir', 'backend reads ir and talks to seal.', '^src/backend/', [
      '^src/ir/',
      '^src/layout/',
      '^src/seal/',
      '^src/passes/',
    ]),
    only(
      'client-stands-alone',
      'The client holds the secret key and runs in browsers.',
      '^src/client/',
      ['^src/layout/', '^src/seal/'],
    ),
    only('server-imports-backend', 'The server never sees the client.', '^src/server/', [
      '^src/backend/',
      '^src/ir/',
      '^src/layout/',
      '^src/seal/',
    ]),
    {
      name: 'compiler-api-below-cli',
      comment: 'Libraries do not import the command line or the public entry.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(cli/|index\\.ts)' },
      to: { path: '^src/(cli/|index\\.ts$)' },
    },
    {
      name: 'secret-key-stays-with-the-client',
      comment: 'Only the client can hold a secret key; src/seal/index.ts must not re-export it.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(client/|seal/)' },
      to: { path: '^src/seal/(secret-key|switched-secret)\\.ts$' },
    },
    {
      name: 'no-secret-key-in-the-evaluator',
      comment: 'Nothing that the server or a backend imports may reach the secret key.',
      severity: 'error',
      from: { path: '^src/(server|backend)/' },
      to: { path: '^src/(client/|seal/(secret-key|switched-secret)\\.ts$)', reachable: true },
    },

    {
      name: 'client-runs-in-browsers',
      comment: 'What needs Node lies in src/client/node, which the public entry does not import.',
      severity: 'error',
      from: { path: '^src/client/index\\.ts$' },
      to: {
        path: '^(node:)?(child_process|crypto|fs|os|path|worker_threads)(/|$)',
        reachable: true,
      },
    },

    onlyFrom('node-seal-behind-src-seal', 'One folder knows node-seal.', 'node-seal', '^src/seal/'),
    onlyFrom(
      'ts-morph-behind-one-folder',
      'One folder knows ts-morph.',
      'ts-morph',
      '^src/backend/typescript/',
    ),
    onlyFrom(
      'onnx-proto-behind-one-file',
      'One file knows onnx-proto.',
      'onnx-proto',
      '^src/frontend/onnx/decode\\.ts$',
    ),
    {
      name: 'client-has-no-eval',
      comment:
        'zod and protobufjs evaluate code at run time; a strict Content-Security-Policy forbids it.',
      severity: 'error',
      from: { path: '^src/(client|layout|seal)/' },
      to: { path: '(^|/)node_modules/(zod|protobufjs)(/|$)' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
    moduleSystems: ['es6'],
  },
};
