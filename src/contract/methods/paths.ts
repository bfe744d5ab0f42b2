/** What is drawn of a method: the sequences that its models run in a training step, and where each loss sits on them. */

/** The columns of the drawing; every path has its parts in these, in this order. */
export const PLACES = ['question', 'reasoning', 'prompt', 'answer'] as const;
export type Place = (typeof PLACES)[number];

/** What a part of a sequence is made of: text, added tokens with embeddings of their own, or vectors that are fed back. */
export type PartKind = 'text' | 'tokens' | 'latents';

export interface PathPart {
  readonly place: Place;
  readonly label: string;
  readonly kind: PartKind;
  /** How its inputs come about, where they are no text: a few words. */
  readonly made?: string;
}

/** A sequence that a model runs. */
export interface MethodPath {
  readonly id: string;
  readonly label: string;
  readonly model: 'base' | 'teacher' | 'base as the stage began';
  /** What is trained of it; empty where nothing is. */
  readonly adapters: readonly string[];
  readonly parts: readonly PathPart[];
}

/** Where a loss term sits. */
export interface TermSeat {
  /** Id of the path that it trains. */
  readonly path: string;
  readonly at: readonly Place[];
  /** Where only parts of one kind have it, in a place with others: that kind. */
  readonly on?: PartKind;
  /** Of a distance: id of the path that it is measured from, at the same places. */
  readonly against?: string;
  /** Whether that path learns from the distance too; by default no gradient reaches it. */
  readonly movesBoth?: boolean;
}

const part =
  (place: Place, kind: PartKind) =>
  (label: string, made?: string): PathPart => ({ place, kind, label, ...(made !== undefined && { made }) });

export const QUESTION = part('question', 'text')('question');
export const PROMPT = part('prompt', 'text')('“The answer is:”');
export const ANSWER = part('answer', 'text')('answer');
export const rationale = part('reasoning', 'text');
export const added = part('reasoning', 'tokens');
export const latents = part('reasoning', 'latents');

export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;

/** The group `latent` that several methods have. */
export interface FedBack {
  readonly steps: number;
  readonly filter: string;
}

/** Its latents. */
export const fedBack = ({ steps, filter }: FedBack): PathPart =>
  latents(
    counted(steps, 'latent'),
    filter === 'hidden' ? 'last state, fed back' : 'softmax over tokens, fed back',
  );

/** Ids of the paths that several methods have. */
export const STUDENT = 'student';
export const WRITTEN = 'written';
export const TEACHER = 'teacher';

const LORA = ['LoRA'] as const;

/** The path that is also run once the student is trained. */
export const studentPath = (label: string, ...reasoning: readonly PathPart[]): MethodPath => ({
  ...{ id: STUDENT, label, model: 'base', adapters: LORA },
  parts: [QUESTION, ...reasoning, PROMPT, ANSWER],
});

/** The same adapter on the written rationale. */
export const writtenPath = (label = 'Written path', text = 'rationale'): MethodPath => ({
  ...{ id: WRITTEN, label, model: 'base', adapters: LORA },
  parts: [QUESTION, rationale(text), PROMPT, ANSWER],
});

/** A teacher that was trained before and stays as it is. */
export const teacherPath = ({ rationale: form }: { readonly rationale: string }): MethodPath => ({
  ...{ id: TEACHER, label: 'Teacher, read before training', model: 'teacher', adapters: [] },
  parts: [QUESTION, rationale(form === 'results' ? 'results of steps' : 'rationale'), PROMPT, ANSWER],
});

/** Latents that are fed back, beside a teacher on the rationale, and the same adapter's written path. */
export const taughtPaths = ({
  latent,
  factors,
}: {
  readonly latent: FedBack;
  readonly factors: { readonly rationale: string };
}): readonly MethodPath[] => [
  studentPath('Latent path', fedBack(latent)),
  teacherPath(factors),
  writtenPath(),
];

/** On the answer of a path. */
export const onAnswer = (path = STUDENT): TermSeat => ({ path, at: ['answer'] });
/** On the answer alone, or on the prompt too. */
export const onSupervised = ({
  answer: { supervised },
}: {
  readonly answer: { readonly supervised: string };
}): TermSeat => ({ path: STUDENT, at: supervised === 'prompt' ? ['prompt', 'answer'] : ['answer'] });
/** On the whole of what the written path writes. */
export const onWritten: TermSeat = { path: WRITTEN, at: ['reasoning', 'prompt', 'answer'] };
