/** Figures that others published, with where they stand. */

/**
 * CryptInfer: N. Jain, K. Nandakumar, N. Ratha, S. Pankanti, U. Kumar, "CryptInfer: Enabling Encrypted
 * Inference on Skin Lesion Images for Melanoma Detection", AIMLSystems 2021, abstract.
 * Neither the data set nor the size of its images is known.
 */
export const paper = {
  accuracy: 0.8,
  securityBits: 106,
  latencySeconds: 51,
  imagesAnHour: 18_000,
} as const;

/** Encrypted inference on images of medicine or of such a size. */
export const neighbours: readonly {
  readonly system: string;
  readonly input: string;
  readonly network: string;
  readonly figures: string;
  readonly differs: string;
}[] = [
  {
    system: 'CryptInfer (AIMLSystems 2021, abstract)',
    input: 'skin lesions, "large"',
    network: 'like LeNet',
    figures: '51 s; 18,000 images an hour; 80 %; 106 bits',
    differs: 'HElib, an unknown machine (its companion paper used 112 logical processors)',
  },
  {
    system: 'Orion v2, age from faces (README)',
    input: '64×64×3',
    network: 'C3AE, 31,393 parameters, x², 15 levels',
    figures: '139 s; 7.2 GB of keys; 103 GB of memory',
    differs: 'deeper; 16 virtual processors; the memory was measured before keys were freed early',
  },
  {
    system: 'HElayers, COVID in CT (notebook 14)',
    input: '224×224×3',
    network: '3 convolutions, 2 dense layers',
    figures: 'about a minute; below 32 GB',
    differs: 'larger images; its machine is not stated there',
  },
  {
    system: 'HElayers, AlexNet (notebook 05)',
    input: '224×224×3',
    network: 'AlexNet, made polynomial',
    figures: '3.5 min; 80 GB',
    differs: 'a far larger network',
  },
  {
    system: 'HElayers, ResNet-18 (notebook 05)',
    input: '224×224×3',
    network: 'ResNet-18, made polynomial',
    figures: '16 min; 150 GB',
    differs: 'a far larger network',
  },
  {
    system: 'CaRENets (2019, abstract)',
    input: 'retina, 96×96 and 256×256×3',
    network: 'convolutions, packed densely',
    figures: '33 times as fast as interleaved packing',
    differs: '80 bits of security, on a GPU; seconds are not in the abstract',
  },
  {
    system: 'HEAR (Nature Communications 2022, abstract)',
    input: 'skeletons in motion',
    network: 'small and large convolutional',
    figures: '1.2 s and 2.4 s',
    differs: 'an input of another kind, far smaller',
  },
];
