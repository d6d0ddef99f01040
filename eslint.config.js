import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

export default defineConfig(
  {
    ignores: ['dist/', 'coverage/', 'out/', '.demo/', 'test-results/', '**/golden/', 'native/'],
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: {
        project: [
          './tsconfig.test.json',
          './tsconfig.browser.json',
          './examples/web/tsconfig.json',
        ],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],

      // Numbers in messages are what makes an error useful; everything else is still refused.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: false, allowAny: false, allowNullish: false },
      ],
      // `items[i]!` is how a bounded loop reads under noUncheckedIndexedAccess; a check in every
      // inner loop of a layout or polynomial would cost more than it says.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // noUncheckedIndexedAccess does not see the bound of a typed array's loop, so guards that
      // look unnecessary to the rule are often the reader's only hint.
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: true },
      ],
      // Brackets on an index signature say that the key may be absent.
      '@typescript-eslint/dot-notation': ['error', { allowIndexSignaturePropertyAccess: true }],
      // A leading underscore says "the interface passes it, this one has no use for it".
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none' },
      ],
      // `type` reads better for unions and mapped types that sit beside each other.
      '@typescript-eslint/consistent-type-definitions': 'off',
      // A function of an interface may be async because another implementation needs it.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    // The command line and its scripts are the only places that print.
    files: ['bench/**/*.ts', 'examples/**/*.ts', 'scripts/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
);
