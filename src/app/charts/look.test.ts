import { describe, expect, it } from 'vitest';
import { inkOn } from './heat-figure';
import { areaScale, lookOf, paper, pointScale } from './look';

/** WCAG 2: relative luminance, and the contrast of two colours. */
function contrast(a: string, b: string): number {
  const luminance = (colour: string) => {
    const [r, g, b] = [1, 3, 5].map((at) => {
      const c = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high! + 0.05) / (low! + 0.05);
}

describe('colours', () => {
  it.each(['light', 'dark'] as const)('can be seen on the %s ground', (theme) => {
    const { ground, text, muted } = paper[theme];
    expect(contrast(text, ground)).toBeGreaterThan(7);
    expect(contrast(muted, ground)).toBeGreaterThan(4.5);
    for (let i = 0; i < 7; i++) {
      expect(contrast(lookOf(i, {}, theme, 1).colour, ground)).toBeGreaterThan(4.5);
    }
    // WCAG 1.4.11: graphics.
    for (const [, colour] of pointScale[theme]) expect(contrast(colour, ground)).toBeGreaterThan(3);
  });

  it('of areas leave the numbers on them readable', () => {
    const channels = (colour: string) => [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
    for (let share = 0; share <= 1; share += 0.005) {
      // Between two steps Plotly mixes channel by channel.
      const at = Math.min(share * 10, 9.999);
      const [from, to] = [areaScale[Math.floor(at)]![1], areaScale[Math.floor(at) + 1]![1]].map(channels);
      const mixed = from!.map((c, i) => Math.round(c + (at % 1) * (to![i]! - c)));
      const ground = `#${mixed.map((c) => c.toString(16).padStart(2, '0')).join('')}`;
      expect(contrast(inkOn(share, 'light'), ground)).toBeGreaterThan(4.5);
    }
  });

  it('of areas grow lighter from end to end', () => {
    const against = areaScale.map(([, colour]) => contrast(colour, '#000000'));
    expect(against).toEqual([...against].sort((a, b) => a - b));
    expect(areaScale[0]![0]).toBe(0);
    expect(areaScale.at(-1)![0]).toBe(1);
  });
});
