/** The page: connects, makes keys, takes a picture, shows what comes back. */
import { BrowserClient, type BrowserResult, type InferStage } from 'cipherloom/client/browser';
import { digitSize, toDigit } from './digit-image.ts';
import { createDrawPad } from './draw-pad.ts';
import { photoSamples } from './photo-samples.ts';
import { readPhoto } from './photo.ts';
import { drawCoefficients, drawPlanes, hexLines } from './pictures.ts';
import { probabilities } from './probabilities.ts';
import { loadSamples } from './samples.ts';
import { bytesText, errorWords, secondsText } from './words.ts';

/** How `examples/melanoma` resizes; see its README. */
const photoKernel = 'area';

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}

const button = (id: string): HTMLButtonElement => element(id) as HTMLButtonElement;
const field = (id: string): HTMLInputElement => element(id) as HTMLInputElement;
const canvas = (id: string): HTMLCanvasElement => element(id) as HTMLCanvasElement;

let client: BrowserClient | null = null;
let hasKeys = false;
/** What would be encrypted. */
let values: Float32Array<ArrayBuffer> | null = null;
/** Ends what is going on. */
let running: AbortController | null = null;

const query = new URLSearchParams(location.search);
field('url').value = query.get('server') ?? 'http://127.0.0.1:8080';
field('model').value = query.get('model') ?? 'lola';

function say(text: string): void {
  element('status-card').hidden = false;
  element('status').textContent = text;
}

function showProgress(part: number | null): void {
  const bar = element('progress') as HTMLProgressElement;
  bar.hidden = false;
  if (part === null) bar.removeAttribute('value');
  else bar.value = part;
}

function showError(error: unknown): void {
  const box = element('error');
  const { what, todo } = errorWords(error);
  box.replaceChildren(
    ...[what, todo].flatMap((text) => {
      if (text === null) return [];
      const line = document.createElement('p');
      line.textContent = text;
      return [line];
    }),
  );
  box.hidden = false;
}

/** Run one thing at a time, with its progress, its cancellation and its errors. */
async function during(text: string, work: (signal: AbortSignal) => Promise<string>): Promise<void> {
  const controller = new AbortController();
  running?.abort();
  running = controller;
  element('error').hidden = true;
  button('cancel').hidden = false;
  say(text);
  showProgress(null);
  enable();
  // On a small screen it is below what was pressed.
  element('status-card').scrollIntoView({ block: 'nearest' });
  try {
    say(await work(controller.signal));
  } catch (error) {
    if (controller.signal.aborted) {
      say('Cancelled.');
    } else {
      say('That did not work.');
      showError(error);
    }
  } finally {
    if (running === controller) running = null;
    button('cancel').hidden = true;
    element('progress').hidden = true;
    enable();
  }
}

function enable(): void {
  const busy = running !== null;
  for (const id of ['connect-button', 'make-keys', 'forget-keys']) button(id).disabled = busy;
  button('make-keys').disabled ||= hasKeys;
  field('keep').disabled = busy || hasKeys;
  button('forget-keys').hidden = !hasKeys;
  button('infer').disabled = busy || !hasKeys || values === null;
  element('why-not').textContent = !hasKeys
    ? 'Make keys first.'
    : values === null
      ? 'Draw or choose a picture first.'
      : '';
}

async function connect(): Promise<void> {
  await during('Connecting …', async (signal) => {
    client?.[Symbol.dispose]();
    client = null;
    hasKeys = false;
    setValues(null);
    for (const id of ['keys', 'input', 'plan', 'result']) element(id).hidden = true;
    const token = field('token').value;
    client = await BrowserClient.connect(field('url').value, {
      model: field('model').value,
      signal,
      ...(token === '' ? {} : { token }),
    });
    const { plan, evaluationKeyBytes, requestBytes, responseBytes, insecure } = client.model;
    const shape = plan.inputs[0]?.shape ?? [];
    element('plan').textContent =
      `${plan.name}: ${shape.slice(-3).join(' × ')} values in, ${plan.outputs[0]?.shape.join(' × ') ?? ''} out. ` +
      `Ring degree ${plan.parameters.ringDegree}, ${insecure ? 'below 128 bits: this protects nothing' : `at least ${plan.parameters.securityTarget} bits of security`}. ` +
      `Keys ${bytesText(evaluationKeyBytes)}, request ${bytesText(requestBytes)}, answer ${bytesText(responseBytes)}.`;
    element('plan').hidden = false;
    element('keys').hidden = false;
    showInput(shape);
    return 'Connected. Now make keys.';
  });
}

/** Offer the way to give a picture that fits the model. */
function showInput(shape: readonly number[]): void {
  const [channels, height, width] = shape.slice(-3);
  const digit = channels === 1 && height === digitSize && width === digitSize;
  const photo = channels === 3 && height === width;
  if (!digit && !photo) {
    throw new Error(
      `This page gives models a 28 × 28 digit or a square colour photo; this one takes ${shape.join(' × ')}`,
    );
  }
  element('input').hidden = false;
  element('digit').hidden = !digit;
  element('photo').hidden = !photo;
}

function inputRange(): readonly [number, number] {
  return client?.plan.inputs[0]?.range ?? [0, 1];
}

/** Take a picture in 0…1 as what is encrypted next. */
function setValues(picture: Float32Array<ArrayBuffer> | null, from = ''): void {
  const [low, high] = inputRange();
  values = picture?.map((value) => Math.min(high, Math.max(low, value))) ?? null;
  element('preview-figure').hidden = values === null;
  if (values !== null) {
    const channels = values.length % 3 === 0 && client?.plan.inputs[0]?.shape.at(-3) === 3 ? 3 : 1;
    const size = Math.sqrt(values.length / channels);
    drawPlanes(canvas('preview'), values, size);
    element('preview-text').textContent = `What is encrypted: ${size} × ${size} pixels${from}.`;
  }
  enable();
}

async function makeKeys(): Promise<void> {
  await during('Making keys …', async (signal) => {
    if (client === null) throw new Error('Connect first');
    const keys = await client.prepareKeys({
      keep: field('keep').checked,
      signal,
      onProgress: ({ stage, done, total }) => {
        showProgress(done / total);
        say(
          stage === 'make'
            ? `Making evaluation keys: ${done} of ${total}`
            : `Uploading evaluation keys: ${bytesText(done)} of ${bytesText(total)}`,
        );
      },
    });
    hasKeys = true;
    const resumed =
      keys.resumedFrom > 0 ? ` ${bytesText(keys.resumedFrom)} were on the server already.` : '';
    return `Keys are ${keys.secretKey === 'kept' ? 'those kept in this browser' : 'new'}: made in ${secondsText(keys.makeSeconds)}, ${bytesText(keys.sentBytes)} sent in ${secondsText(keys.uploadSeconds)}.${resumed}`;
  });
}

async function forgetKeys(): Promise<void> {
  await during('Removing keys …', async (signal) => {
    await client?.forgetKeys(signal);
    hasKeys = false;
    return 'The keys are removed from this browser and from the server.';
  });
}

const stages: Readonly<Record<InferStage, string>> = {
  encrypt: 'Encrypting …',
  evaluate: 'The server computes on the ciphertext …',
  decrypt: 'Decrypting …',
};

async function infer(): Promise<void> {
  await during('Encrypting …', async (signal) => {
    const input = client?.plan.inputs[0];
    if (client === null || input === undefined || values === null) throw new Error('No picture');
    const result = await client.infer(
      { [input.name]: values },
      {
        signal,
        onStage: (stage) => {
          say(stages[stage]);
        },
      },
    );
    showResult(result);
    return 'Done.';
  });
}

function showResult(result: BrowserResult): void {
  if (client === null) return;
  const classes = probabilities(client.plan, result.outputs);
  const best = classes.reduce((a, b) => (b.value > a.value ? b : a));
  element('answer').textContent = `${best.label}, ${(100 * best.value).toFixed(1)} %`;
  element('bars').replaceChildren(
    ...classes.map(({ label, value }) => {
      const item = document.createElement('li');
      const name = document.createElement('span');
      const bar = document.createElement('span');
      const text = document.createElement('span');
      name.textContent = label;
      bar.className = 'bar';
      bar.style.setProperty('--part', String(value));
      text.textContent = `${(100 * value).toFixed(1)} %`;
      text.className = 'value';
      if (label === best.label) item.className = 'best';
      item.append(name, bar, text);
      return item;
    }),
  );
  for (const [what, bytes, words] of [
    ['sent', result.request, 'received'],
    ['got', result.response, 'sent back'],
  ] as const) {
    const drawn = drawCoefficients(canvas(`${what}-picture`), bytes);
    element(`${what}-text`).textContent =
      `It ${words} ${bytesText(bytes.length)}; the picture is the lowest byte of ${drawn.toLocaleString('en')} of its coefficients, below are some of its bytes.`;
    element(`${what}-hex`).textContent = hexLines(bytes, 48);
  }
  const { encrypt, evaluate, decrypt } = result.seconds;
  element('times').replaceChildren(
    ...[
      ['Encrypted here in', secondsText(encrypt)],
      ['Sent, computed, returned in', secondsText(evaluate)],
      ['Decrypted here in', secondsText(decrypt)],
    ].flatMap(([name = '', text = '']) => {
      const term = document.createElement('dt');
      const detail = document.createElement('dd');
      term.textContent = name;
      detail.textContent = text;
      return [term, detail];
    }),
  );
  element('result').hidden = false;
  element('result').focus({ preventScroll: true });
  element('result').scrollIntoView({ block: 'start' });
}

function uncheckSamples(): void {
  for (const sample of document.querySelectorAll<HTMLInputElement>('.sample input')) {
    sample.checked = false;
  }
}

const pad = createDrawPad(canvas('pad'), () => {
  uncheckSamples();
  setValues(toDigit(pad.read()), ', size and centre as in MNIST');
});

async function offerSamples(): Promise<void> {
  for (const [digit, data] of (await loadSamples()).entries()) {
    const picture = document.createElement('canvas');
    drawPlanes(picture, data, digitSize);
    offerSample('samples', 'sample', `a ${digit} of MNIST's test set`, picture, () => {
      pad.clear();
      setValues(data, ", an image of MNIST's test set as it is");
    });
  }
}

function offerPhotoSamples(): void {
  for (const { name, url, label: truth } of photoSamples) {
    const picture = document.createElement('img');
    picture.src = url;
    picture.alt = '';
    picture.loading = 'lazy';
    offerSample('photo-samples', 'photo-sample', `sample photo ${name}`, picture, () => {
      const from = truth === null ? '' : `, published as ${truth}`;
      void fetch(url)
        .then((answer) => answer.blob())
        .then((photo) => takePhoto(photo, `, the middle of ${name}${from}`));
    });
  }
}

/** Add a picture to choose to a list; one of a group is chosen at a time. */
function offerSample(
  list: string,
  group: string,
  description: string,
  picture: HTMLElement,
  choose: () => void,
): void {
  const label = document.createElement('label');
  const radio = document.createElement('input');
  label.className = 'sample';
  radio.type = 'radio';
  radio.name = group;
  radio.setAttribute('aria-label', description);
  radio.addEventListener('change', choose);
  label.append(radio, picture);
  element(list).append(label);
}

async function takePhoto(
  file: Blob | undefined,
  from = ', the middle of the photo',
): Promise<void> {
  const size = client?.plan.inputs[0]?.shape.at(-1);
  if (file === undefined || size === undefined) return;
  await during('Reading the photo …', async () => {
    setValues(null);
    const planes = await readPhoto(file, size, photoKernel);
    setValues(
      Float32Array.from(planes, (byte) => byte / 255),
      from,
    );
    return 'The photo is ready. It has not left this page.';
  });
}

element('connect').addEventListener('submit', (event) => {
  event.preventDefault();
  void connect();
});
button('make-keys').addEventListener('click', () => void makeKeys());
button('forget-keys').addEventListener('click', () => void forgetKeys());
button('infer').addEventListener('click', () => void infer());
button('cancel').addEventListener('click', () => running?.abort());
button('clear').addEventListener('click', () => {
  pad.clear();
  uncheckSamples();
  setValues(null);
});
field('file').addEventListener('change', () => {
  uncheckSamples();
  void takePhoto(field('file').files?.[0]);
});
const drop = element('drop');
for (const type of ['dragover', 'dragleave', 'drop'] as const) {
  drop.addEventListener(type, (event) => {
    event.preventDefault();
    drop.classList.toggle('over', type === 'dragover');
    if (type !== 'drop') return;
    uncheckSamples();
    void takePhoto(event.dataTransfer?.files[0]);
  });
}
void offerSamples();
offerPhotoSamples();
enable();
if (query.has('server')) void connect();
