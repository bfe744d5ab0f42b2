import { describe, expect, it } from 'vitest';
import { PRESETS } from '../../contract/presets';
import { formatLink, type Link, parseLink } from './link';

const PLAIN = {
  preset: null,
  question: null,
  theme: null,
  model: null,
  lens: {},
  data: {},
  generation: {},
  moment: {},
  arena: {},
  forms: {},
  device: {},
  run: { kept: null, set: null },
} as const;

describe('link', () => {
  const links: Link[] = [
    { ...PLAIN, panel: 'model' },
    { ...PLAIN, panel: 'model', model: 'org/name@refs/pr/1' },
    {
      ...PLAIN,
      panel: 'arena',
      arena: { ablation: 'lori-anchor', contenders: 'ce-128,nocot-128', 'arena-seeds': '1-5,9' },
    },
    {
      ...PLAIN,
      panel: 'distil',
      preset: 'codi-128',
      run: {
        kept: '2026-11-26T08:00:00.000Z',
        set: 'seed=3;data.prompt=Is it 100%25%3B so: ;lora.targets=["q","v"]',
      },
    },
    {
      ...PLAIN,
      panel: 'latents',
      preset: 'lori-results-128',
      question: 'held-out-3',
      theme: 'dark',
    },
    {
      ...PLAIN,
      panel: 'distil',
      question: 'Is 2 + 2 = 4 & <s>? #1 %',
      theme: 'system',
    },
    {
      ...PLAIN,
      panel: 'lowrank',
      lens: {
        view: 'ranks',
        subject: 'student-3',
        layers: '1-3,5',
        controls: 'shuffled,gaussian',
        stack: 'layer',
      },
    },
    {
      ...PLAIN,
      panel: 'lowrank',
      lens: { source: 'rows', samples: '16', 'row-steps': '2-5', 'row-tokens': '-512' },
    },
    {
      ...PLAIN,
      panel: 'data',
      data: { 'data-part': 'held-out', 'data-held-out': '20', 'data-seed': '7', 'data-steps': '2-5' },
    },
    {
      ...PLAIN,
      panel: 'generate',
      generation: {
        prompt: 'Once & "twice"\n#1 % 漢字 +',
        generator: 'opened',
        template: 'default',
        stops: '.\n\n?',
        temperature: '0.8',
        'top-k': '40',
        noise: '7',
      },
    },
  ];
  it.each(links)('survives a round trip: %o', (link) => {
    expect(parseLink(formatLink(link))).toEqual({ link, problems: [], notes: [] });
  });

  it.each(['', '#', '#/', '/model', '#model'])('%j leads to the first place', (hash) => {
    expect(parseLink(hash)).toEqual({ link: links[0], problems: [], notes: [] });
  });

  it('names what is unusable and follows the rest', () => {
    const { link, problems } = parseLink(
      `#/distill?preset=nope&theme=pink&view=rank&layers=3-1&samples=1e2&question=${'x'.repeat(2001)}&temperature=warm&top-p=0&generator=me&a=1`,
    );
    expect(link).toEqual(links[0]);
    expect(problems).toEqual([
      'unknown place "distill": expected tour, model, data, lowrank, generate, distil, latents, arena',
      `unknown preset "nope": expected ${PRESETS.map(({ id }) => id).join(', ')}`,
      'unknown theme "pink": expected system, light, dark',
      'the question of 2001 characters is longer than 2000',
      'unknown view "rank": expected spectra, ranks, tucker, trajectories, angles, causal',
      'unknown samples "1e2": expected a whole number from 1 to 128',
      'unknown layers "3-1": expected “all”, or numbers and ranges such as 1-3,6',
      'unknown generator "me": expected teacher, base, student, student-3 (its checkpoint 3) or opened',
      'unknown temperature "warm": expected 0 to 10',
      'unknown top-p "0": expected more than 0, at most 1',
      'unknown value "a"',
    ]);
    expect(parseLink('#/latents?theme=pink').link.panel).toBe('latents');
  });

  it('says so where a value is given more than once', () => {
    expect(parseLink('#/data?data-seed=3&data-seed=4')).toMatchObject({
      link: { data: { 'data-seed': '3' } },
      problems: ['data-seed is given 2 times: the first is followed'],
    });
  });

  it('names a model in its shortest form, and reports what is not a model', () => {
    const { link } = parseLink('#/model?model=https://huggingface.co/org/name/tree/main');
    expect(link.model).toBe('org/name');
    expect(formatLink(link)).toBe('#/model?model=org/name');
    const { link: none, problems } = parseLink('#/model?model=../x');
    expect(none.model).toBeNull();
    expect(problems).toEqual([
      expect.stringMatching(/the model: .*not the name of a model\. Write it as org\/name/),
    ]);
  });

  it('follows former preset ids, and reports their current names', () => {
    const { link, problems, notes } = parseLink('#/distil?preset=lori-128');
    expect(link.preset).toBe('lori-results-128');
    expect(problems).toEqual([]);
    expect(notes).toEqual([
      'The preset lori-128 is now called lori-results-128 (LoRi, statistics over results); its values are today’s.',
    ]);
    expect(parseLink('#/distil?preset=lori-steps-128').link.preset).toBe('lori-paper-128');
  });

  it.each([
    '#/%E0%A4%A',
    '#/model?question=%E0%A4%A',
    '#/__proto__',
    '#/constructor?preset=toString',
    '#???&&&===',
  ])('does not throw at %s', (hash) => {
    expect(parseLink(hash).link.panel).toBe('model');
  });
});
