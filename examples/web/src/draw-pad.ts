/** A canvas to draw on with mouse, pen or finger. */
import type { GreyImage } from './digit-image.ts';

/** Stroke width for 280 pixels: about that of MNIST's pens after scaling. */
const strokeShare = 0.075;

export interface DrawPad {
  clear(): void;
  /** What was drawn. */
  read(): GreyImage;
}

/** Make a canvas drawable; `onStroke` is called after each stroke. */
export function createDrawPad(canvas: HTMLCanvasElement, onStroke: () => void): DrawPad {
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (context === null) throw new Error('this browser has no canvas');
  const clear = (): void => {
    context.fillStyle = '#000';
    context.fillRect(0, 0, canvas.width, canvas.height);
  };
  const place = (event: PointerEvent): [number, number] => {
    const box = canvas.getBoundingClientRect();
    return [
      ((event.clientX - box.left) / box.width) * canvas.width,
      ((event.clientY - box.top) / box.height) * canvas.height,
    ];
  };
  clear();
  context.strokeStyle = '#fff';
  context.lineWidth = canvas.width * strokeShare;
  context.lineCap = context.lineJoin = 'round';
  canvas.addEventListener('pointerdown', (event) => {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    context.beginPath();
    context.moveTo(...place(event));
    context.lineTo(...place(event));
    context.stroke();
  });
  canvas.addEventListener('pointermove', (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return;
    // Fast strokes report several points at once.
    for (const point of event.getCoalescedEvents()) context.lineTo(...place(point));
    context.lineTo(...place(event));
    context.stroke();
  });
  canvas.addEventListener('lostpointercapture', onStroke);
  return {
    clear,
    read() {
      const { width, height } = canvas;
      const { data: rgba } = context.getImageData(0, 0, width, height);
      const data = Float32Array.from({ length: width * height }, (_, i) => rgba[4 * i]! / 255);
      return { width, height, data };
    },
  };
}
