/** Polynomials in PyTorch: the part of a module that is the same for every network. */
import { polynomialTerms } from '../../ir/polynomial.ts';
import type { Tensor } from '../../ir/tensor.ts';

/**
 * Coefficients in powers of x / unit, where `Polynomial` has its unit: all have the size of values
 * then, and one learning rate suits them.
 */
export function scaledCoefficients(
  coefficients: Tensor,
  [low, high]: readonly [number, number],
): Tensor {
  const unit = Math.max(Math.abs(low), Math.abs(high));
  const data = new Float64Array(coefficients.data.length);
  polynomialTerms(coefficients).forEach((term, power) => {
    data.set(
      term.data.map((value) => value * unit ** power),
      power * term.data.length,
    );
  });
  return { shape: coefficients.shape, data };
}

/** Powers are products of smaller ones, as deep as a plan evaluates them. */
export const polynomialSource = `class Polynomial(nn.Module):
    """A polynomial of each element, in powers of x / unit; its coefficients are trained.

    It follows an activation between low and high alone, and runs away outside. In training mode,
    \`outside\` is the mean square of how far the last arguments were outside, in widths of the range.
    """

    def __init__(self, coefficients, low, high):
        super().__init__()
        self.low, self.high = low, high
        self.unit = max(abs(low), abs(high))
        # A power whose coefficients are all zero stays away: it would cost time.
        self.terms = nn.ParameterDict(
            {
                str(power): nn.Parameter(term)
                for power, term in enumerate(coefficients)
                if power == 0 or term.any()
            }
        )
        self.outside = None

    def forward(self, x):
        if self.training:
            beyond = F.relu(self.low - x) + F.relu(x - self.high)
            self.outside = (beyond / (self.high - self.low)).square().mean()
        powers = {1: x * (1 / self.unit)}
        total = self.terms["0"]
        for name, term in self.terms.items():
            if name != "0":
                total = total + term * self.power(powers, int(name))
        return total

    def power(self, powers, n):
        if n not in powers:
            half = n // 2
            powers[n] = self.power(powers, half) * self.power(powers, n - half)
        return powers[n]


def range_penalty(network):
    """How far arguments of polynomials were outside of their ranges in the last training step."""
    found = [m.outside for m in network.modules() if isinstance(m, Polynomial)]
    return sum((value for value in found if value is not None), torch.zeros(()))`;
