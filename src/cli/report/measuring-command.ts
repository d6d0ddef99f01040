/** The line that measures a plan for its page; the page may go to others, so it names no folder of this machine. */
export const measuringCommand =
  'cipherloom run DIR --input X.npy --labels Y.npy --model MODEL.onnx --json > DIR/run.json';
