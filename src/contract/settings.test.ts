import { describe, expect, it } from 'vitest';
import { parseRunConfig, settingsOf } from './config';
import { METHODS } from './methods/index';
import { rangeText } from './settings';

describe.each(METHODS.map((method) => [method.id, method] as const))('%s', (_id, method) => {
  const settings = settingsOf(method).flatMap((group) => group.settings);
  const config = parseRunConfig({ method: method.id });
  const at = (path: string) =>
    path
      .split('.')
      .reduce<unknown>((held, key) => (held as Record<string, unknown> | undefined)?.[key], config);
  const leaves = (value: object, path = ''): string[] =>
    Object.entries(value).flatMap(([key, held]) =>
      typeof held === 'object' && !Array.isArray(held) ? leaves(held, `${path}${key}.`) : [`${path}${key}`],
    );

  it('shows every setting of its configuration once, with its default, a range and a sentence', () => {
    const expected = leaves(config).filter((path) => path !== 'version' && path !== 'method');
    expect(settings.map(({ path }) => path).sort()).toEqual(expected.sort());
    for (const setting of settings) {
      expect(setting.default, setting.path).toEqual(at(setting.path));
      expect(rangeText(setting), setting.path).not.toMatch(/Infinity|undefined/);
      expect(setting.help, setting.path).toMatch(/\.$/);
      expect(setting.label.length * setting.source.length, setting.path).toBeGreaterThan(0);
      // What is counted has a unit; seeds and the number of a stage count nothing.
      if (setting.kind === 'count' && !/^seed$|^data\.split$|\.first$/.test(setting.path))
        expect(setting.unit, setting.path).toMatch(/^[a-z]/);
      // Where a paper is silent this is said; elsewhere the place is named.
      expect(setting.ours || /[a-zA-Z]{3}/.test(setting.source), setting.path).toBe(true);
    }
  });

  it('scales each loss term by a weight that is one of its settings, and says that 0 leaves it out', () => {
    for (const { weight, name } of method.terms) {
      const setting = settings.find(({ path }) => path === weight);
      expect(setting?.help, name).toContain('0 leaves the term out.');
    }
    const weights = settings.filter(({ path }) => path.startsWith('weights.')).map(({ path }) => path);
    expect(method.terms.map(({ weight }) => weight).sort()).toEqual(weights.sort());
    // No two weights have one symbol, and each term begins with its own.
    const symbols = settings.flatMap(({ path, tex }) => (path.startsWith('weights.') ? [tex ?? path] : []));
    expect(new Set(symbols).size).toBe(symbols.length);
    for (const { weight, tex, name } of method.terms) {
      const symbol = settings.find(({ path }) => path === weight)?.tex;
      expect(tex.replace(/^-/, '').startsWith(symbol ?? '?'), name).toBe(true);
    }
  });
});

it('states ranges as they are enforced', () => {
  const all = new Map(
    settingsOf(METHODS[0])
      .flatMap((group) => group.settings)
      .map((setting) => [setting.path, setting]),
  );
  const text = (path: string) => rangeText(all.get(path) as never);
  expect(text('latent.steps')).toBe('1 to 32');
  expect(text('latent.temperature')).toBe('more than 0, at most 100');
  expect(text('weights.covariance')).toBe('0 to 1e6');
  expect(text('latent.filter')).toBe('one of softmax, hidden');
  expect(text('evaluation.keepBest')).toBe('true or false');
  expect(text('lora.targets')).toBe('a list of q, k, v, o, gate, up, down');
  expect(all.get('latent.steps')?.kind).toBe('count');
  expect(all.get('optimiser.warmup')?.kind).toBe('number');
  expect([all.get('factors.layerRank')?.ours, all.get('data.samples')?.ours]).toEqual([true, false]);
});
