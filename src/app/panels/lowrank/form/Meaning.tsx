import { Formula } from '../../../ui/Formula';
import { Group } from './Group';

/** What the charts show, in formulas. */
export function Meaning() {
  return (
    <Group title="What is computed">
      <Formula display tex="X = \operatorname{stack}_{n,\ell}\, h_{n\ell}^\top \in \mathbb{R}^{NL\times H}" />
      <Formula display tex="X = U\,\operatorname{diag}(\sigma)\,V^\top,\quad \sigma_1\ge\sigma_2\ge\dots" />
      <Formula display tex="c_r = \textstyle\sum_{i\le r}\sigma_i \big/ \sum_i \sigma_i" />
      <p className="help">
        <Formula tex="N" /> tokens, <Formula tex="L" /> layers, hidden size <Formula tex="H" />;{' '}
        <Formula tex="h_{n\ell}" /> is the output of layer <Formula tex="\ell" />, of the last one after the
        final norm. Energy is <Formula tex="\sum\sigma_i^2" />, and the rank for 95 % of it the smallest{' '}
        <Formula tex="r" /> whose <Formula tex="\sum_{i\le r}\sigma_i^2" /> is 95 % of that; the curves{' '}
        <Formula tex="c_r" /> sum <Formula tex="\sigma_i" /> without the square, as the paper does. The
        effective rank is the exponential of the entropy of <Formula tex="\sigma_i/\sum\sigma" />; the stable
        rank is <Formula tex="\sum\sigma_i^2/\sigma_1^2" />. The band is the 95 % bootstrap of the median,
        samples drawn with replacement.
      </p>
      <p className="help">
        Each layer adds to the hidden state before it, so a token’s rows are similar from layer to layer in
        any text. Only what the controls do not show is specific to a chain of thought.
      </p>
    </Group>
  );
}
