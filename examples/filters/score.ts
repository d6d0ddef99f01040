// A logistic regression on 64 features: how likely a handwritten 8 × 8 digit is an 8, not a 3.
import { defineProgram } from 'cipherloom/dsl';
import model from './score.json' with { type: 'json' };

// The sigmoid on −8 to 8, least squares (Kim, Song, Kim, Lee, Cheon, 2018): 0.033 off at most.
const sigmoid7 = [0.5, 1.73496, 0, -4.19407, 0, 5.43402, 0, -2.50739].map((c, n) => c / 8 ** n);

export default defineProgram('score', ({ input }) => {
  const features = input('features', [64], { range: [0, 1] });
  const weights = model.weights.map((weight) => [weight]);
  return { score: features.dense(weights, [model.bias]).polynomial(sigmoid7) };
});
