import type { KnownWords } from '../../../contract/events';
import { storyProblems } from '../../data/story-problems';
import { storyKnows } from '../../data/story-words';
import { chainKnows, wordProblems } from '../../data/word-problems';
import type { ProblemSource } from './manifest';

interface Generator {
  readonly draw: typeof wordProblems;
  readonly knows: () => readonly KnownWords[];
}

/** The generator of a pair's problems, by its name in the manifest. */
export const SOURCES: Readonly<Record<ProblemSource, Generator>> = {
  chains: { draw: wordProblems, knows: chainKnows },
  stories: { draw: storyProblems, knows: storyKnows },
};
