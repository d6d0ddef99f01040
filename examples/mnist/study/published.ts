/** Published figures of MNIST networks under encryption, as their sources state them. */

export interface Published {
  readonly system: string;
  readonly what: string;
  readonly hardware: string;
  /** Seconds of one image, where one was timed. */
  readonly latency: string;
  /** Of a batch, an image. */
  readonly amortised: string;
  /** Where the figure stands; second-hand figures say so. */
  readonly source: string;
}

export const published: readonly Published[] = [
  {
    system: 'CryptInfer (2021), the paper that this study follows',
    what: 'CKKS, HElib, 106 bits; modified LeNet, large skin images',
    hardware: 'not stated in its abstract',
    latency: '51 s',
    amortised: '0.20 s (18,000 images an hour)',
    source: 'abstract, DOI 10.1145/3486001.3486233; its MNIST table is not public',
  },
  {
    system: 'Efficient CNN Building Blocks for Encrypted Data (2021), the companion paper',
    what: 'CKKS, HElib 1.0.1, N = 32768; 28 filters 5×5, dense; encrypted weights',
    hardware: 'POWER9 virtual machine, 112 logical processors, 511 GB',
    latency: '8.8 s',
    amortised: '34 ms (16,384 images in 561 s)',
    source: 'arXiv:2102.00319, by a survey',
  },
  {
    system: 'the same, plain weights',
    what: 'as above; the server knows the weights, as in cipherloom',
    hardware: 'the same',
    latency: '2.5 s',
    amortised: '',
    source: 'arXiv:2102.00319, by a survey',
  },
  {
    system: 'CryptoNets, run again by its authors',
    what: 'BFV, SEAL 3.2, batch 8,192',
    hardware: 'not stated',
    latency: '25.6 s a batch',
    amortised: '3.1 ms',
    source: 'README of microsoft/CryptoNets',
  },
  {
    system: 'LoLa',
    what: 'BFV, SEAL 2.3',
    hardware: 'Azure B8ms, 8 virtual processors, 32 GB',
    latency: '2.2 s',
    amortised: '',
    source: 'README of the authors: 2.01 to 2.16 s',
  },
  {
    system: 'nGraph-HE2',
    what: 'CKKS, SEAL, CryptoNets with the batch in slots',
    hardware: 'not stated in its abstract',
    latency: '',
    amortised: '0.50 ms (1,998 images/s)',
    source: 'abstract',
  },
  {
    system: 'TenSEAL tutorial',
    what: 'CKKS, SEAL, N = 8192; conv 4 maps 7×7, dense 64, dense 10',
    hardware: 'i7-3612QM 2.1 GHz',
    latency: '2 s',
    amortised: '',
    source: "TenSEAL's tutorial 4",
  },
  {
    system: 'FHEON LeNet-5',
    what: 'CKKS, OpenFHE',
    hardware: 'Ryzen 5900X, one thread',
    latency: '13 s',
    amortised: '',
    source: 'by a survey',
  },
];
