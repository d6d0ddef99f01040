/** SEAL for evaluators: everything but the secret key, which only the client imports. */
export { memorySource, type ByteSource } from './byte-source.ts';
export {
  ciphertextBlobBytes,
  checkCiphertextBlob,
  type CiphertextExpectation,
  type CiphertextForm,
} from './ciphertext-blob.ts';
export {
  ciphertextFileBytes,
  ciphertextFileChecksum,
  ciphertextFileForm,
  openCiphertextFile,
  readCiphertextFile,
  writeCiphertextFile,
  type CiphertextFile,
  type CiphertextFileForm,
  type CiphertextFilePlan,
  type CiphertextTensor,
} from './ciphertext-file.ts';
export { SealContexts } from './contexts.ts';
export {
  EvaluationKeys,
  evaluationKeyBytes,
  keyFileMagicBytes,
  keyRequests,
  refuseSecretKey,
  writeEvaluationKeys,
  type KeyBinding,
} from './evaluation-keys.ts';
export { SealCiphertext, SealEvaluator, SealPlaintext, type EncodeForm } from './evaluator.ts';
export { KeyLoader, type LoadedKey } from './key-loader.ts';
export { canRunSeal, loadSeal, requireEngine, type SealInstance } from './load-seal.ts';
export {
  parameterDigest,
  readSealParameters,
  requireOneSpecialPrime,
  type SealParameters,
} from './parameters.ts';
export {
  residentKeyBytes,
  switchingKeyBytes,
  type SwitchingKeyRequest,
} from './switching-key-blob.ts';
