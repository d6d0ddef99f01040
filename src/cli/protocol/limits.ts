/** Files of ciphertexts are read whole; a single array of bytes ends near here. */
export const maxCiphertextBytes = 2 ** 32;
