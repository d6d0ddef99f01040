/**
 * What a client in Node keeps in files: the secret key, and the count of its shared results.
 *
 * @module
 */
export { writeSecretKeyFile } from './secret-key-file.ts';
export { sharingCounterFile } from './sharing-counter-file.ts';
