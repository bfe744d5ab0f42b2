/** Numbers that a sentence tells, and the step or steps that it makes of them. */
export interface Telling {
  readonly say: string;
  /** Steps as `vb+`: from the value so far, `v`, the told numbers `a`, `b`, the result of the step before, `r`, or a digit. */
  readonly steps: readonly string[];
  readonly a?: readonly [number, number];
  readonly b?: readonly [number, number];
}

/** Largest number anywhere. */
export const LARGEST_NUMBER = 999;

const MEN =
  'Tom Ben Sam Leo Max Jack John James Peter Paul Mark David Daniel Adam Alex Noah Liam Lucas Oscar Hugo Omar Carlos Ravi Wei';
const WOMEN =
  'Ann Eva Mia Zoe Anna Mary Jane Janet Sarah Emma Lily Lucy Julia Laura Alice Nora Ella Clara Sofia Maria Natalia Aisha Priya Mei';
const named = (names: string, pronoun: string) => names.split(' ').map((name) => [name, pronoun] as const);

/** Names and their pronouns. */
export const PEOPLE: readonly (readonly [string, string])[] = [...named(MEN, 'He'), ...named(WOMEN, 'She')];

export const THINGS = [
  ...[
    'apples',
    'oranges',
    'bananas',
    'lemons',
    'peaches',
    'grapes',
    'nuts',
    'eggs',
    'cookies',
    'candies',
    'cakes',
    'muffins',
  ],
  ...[
    'books',
    'pens',
    'pencils',
    'crayons',
    'letters',
    'photos',
    'stamps',
    'stickers',
    'cards',
    'tickets',
    'puzzles',
    'toys',
  ],
  ...[
    'balls',
    'balloons',
    'marbles',
    'beads',
    'buttons',
    'ribbons',
    'coins',
    'shells',
    'stones',
    'flowers',
    'roses',
    'plants',
  ],
  ...[
    'cups',
    'plates',
    'shirts',
    'socks',
    'hats',
    'clips',
    'keys',
    'chairs',
    'lamps',
    'bottles',
    'candles',
    'bricks',
  ],
] as const;

export const CONTAINERS = ['bags', 'boxes', 'packs', 'baskets', 'jars', 'crates'] as const;

const START: readonly [number, number] = [2, 40];
const CHANGE: readonly [number, number] = [2, 20];
const FEW: readonly [number, number] = [2, 6];
const EACH: readonly [number, number] = [2, 10];
const TIMES: readonly [number, number] = [2, 3];

/** {n} who it is about, {p} {P} the pronoun, {m} {o} others, {t} the thing, {u} another thing, {c} a container, {a} {b} numbers. */
export const STARTS: readonly Telling[] = [
  ...[
    '{n} has {a} {t}.',
    '{n} owns {a} {t}.',
    '{n} starts with {a} {t}.',
    '{n} collected {a} {t}.',
    '{n} made {a} {t}.',
  ].map((say) => ({ say, steps: [], a: START })),
  ...['{n} has {a} {c} with {b} {t} each.', '{n} buys {a} {c} of {b} {t} each.'].map((say) => ({
    ...{ say, steps: ['ab*'], a: FEW, b: EACH },
  })),
  { say: '{n} found {a} {t} on Monday and {b} on Tuesday.', steps: ['ab+'], a: CHANGE, b: CHANGE },
];

export const TELLINGS: readonly Telling[] = [
  ...[
    '{p} buys {b} more.',
    '{p} finds {b} more.',
    '{m} gives {n} {b} more.',
    'Then {P} gets {b} more {t}.',
  ].map((say) => ({
    ...{ say, steps: ['vb+'], b: CHANGE },
  })),
  ...[
    '{p} gives {b} of them to {m}.',
    '{p} sells {b} of them.',
    '{p} loses {b} {t}.',
    '{m} takes {b} of them.',
  ].map((say) => ({ say, steps: ['vb-'], b: CHANGE })),
  ...['Then {P} buys {a} {c} with {b} {t} each.', '{m} brings {a} {c} of {b} {t} each.'].map((say) => ({
    ...{ say, steps: ['ab*', 'vr+'], a: FEW, b: EACH },
  })),
  ...['{p} gives {b} {t} to each of {a} friends.', '{p} fills {a} {c} with {b} {t} each and sells them.'].map(
    (say) => ({
      ...{ say, steps: ['ab*', 'vr-'], a: FEW, b: EACH },
    }),
  ),
  ...['Then the number doubles.', '{p} doubles them.'].map((say) => ({ say, steps: ['v2*'] })),
  { say: 'Then the number triples.', steps: ['v3*'] },
  ...['{p} keeps half of them.', '{p} gives half of them to {m}.'].map((say) => ({ say, steps: ['v2/'] })),
];

export const ASKS: readonly Telling[] = [
  ...['How many {t} does {n} have?', 'How many {t} does {n} have now?', 'How many {t} are there?'].map(
    (say) => ({
      ...{ say, steps: [] },
    }),
  ),
  {
    ...{ say: '{m} has {b} more {t} than {n}. How many {t} do they have together?', steps: ['vb+', 'vr+'] },
    b: CHANGE,
  },
  ...['{m} has {b} more {t} than {n}. How many {t} does {m} have?'].map((say) => ({
    say,
    steps: ['vb+'],
    b: CHANGE,
  })),
  { say: '{m} has {b} times as many {t} as {n}. How many {t} does {m} have?', steps: ['vb*'], b: TIMES },
  ...[
    '{n} shares the {t} among {b} friends. How many {t} does each friend get?',
    '{n} puts the {t} into {b} equal {c}. How many {t} are in each?',
  ].map((say) => ({ say, steps: ['vb/'], b: [2, 5] as const })),
  ...[
    '{n} sells the {t} for {b} dollars each. How many dollars does {n} get?',
    'Each of the {t} costs {b} dollars. How many dollars do they cost?',
  ].map((say) => ({ say, steps: ['vb*'], b: FEW })),
];

/** Sentences with a number that does not matter. */
export const PASSING = [
  '{o} is {a} years old.',
  '{o} has {a} {u}.',
  'There are {a} {u} on the table.',
  '{o} lives in house {a}.',
] as const;

/** Every word and sign in questions and answers except numbers: the tokenizer's vocabulary is built from these. */
export function storyVocabulary(): string[] {
  const sentences = [...[...STARTS, ...TELLINGS, ...ASKS].map(({ say }) => say), ...PASSING].join(' ');
  const words = sentences.replace(/\{\w\}/g, ' ').match(/[A-Za-z]+|[.?]/g) ?? [];
  return [...new Set([...words, ...PEOPLE.flat(), 'he', 'she', ...THINGS, ...CONTAINERS])].sort();
}

/** Of what a question can be put together: words by kind, and every sentence, with one name, thing and number as example. */
export function storyKnows(): { kind: string; words: string[] }[] {
  const example: Readonly<Record<string, string>> = {
    ...{ n: 'Tom', p: 'He', P: 'he', m: 'Ann', o: 'Eva', t: 'apples', u: 'pens', c: 'bags', a: '4', b: '3' },
  };
  const readable = (say: string): string =>
    say.replace(/\{(\w)\}/g, (whole, key: string) => example[key] ?? whole);
  const tellings = [...STARTS, ...TELLINGS, ...ASKS].map(({ say }) => say);
  return [
    { kind: 'names', words: PEOPLE.map(([name]) => name) },
    { kind: 'things', words: [...THINGS] },
    { kind: 'containers', words: [...CONTAINERS] },
    { kind: 'numbers', words: [`0 to ${LARGEST_NUMBER}, whole, in digits`] },
    { kind: 'sentences', words: [...tellings, ...PASSING].map(readable) },
  ];
}
