import { idlePaths, isLeftOut } from '../../../../contract/methods/idle';
import { type LossTerm, type MethodData, methodPaths, seatOf } from '../../../../contract/methods/method';
import { type MethodPath, PLACES, type TermSeat } from '../../../../contract/methods/paths';
import { valueAt } from '../../../../contract/settings';
import { modelWords } from './layout';

/** What a method's drawing shows, in sentences. */

const part = ({ label, made }: MethodPath['parts'][number]): string => (made ? `${label} (${made})` : label);

/** `Latent path: base model with LoRA reads question, 4 latents (…), “The answer is:”, answer.` */
export function pathWords(
  method: MethodData,
  config: object,
): { readonly id: string; readonly text: string }[] {
  const idle = idlePaths(method, config);
  return methodPaths(method, config).map((path) => ({
    id: path.id,
    text: `${path.label}: ${modelWords(path)}; ${path.parts.map(part).join(', then ')}.${idle.has(path.id) ? ' Not run: every term on it has weight 0.' : ''}`,
  }));
}

const placeWords = ({ at }: TermSeat): string =>
  at.length === PLACES.length
    ? 'everything'
    : `the ${at.length > 1 ? `${at.slice(0, -1).join(', ')} and ` : ''}${at.at(-1)}`;

/** `On the reasoning of the latent path, against the teacher.` */
export function seatWords(term: Pick<LossTerm, 'sits'>, method: MethodData, config: object): string {
  const seat = seatOf(term, config);
  const nameOf = (id: string) =>
    methodPaths(method, config)
      .find((path) => path.id === id)

      ?.label.split(',')[0]
      ?.replace(/^\w/, (c) => c.toLowerCase());
  return `On ${placeWords(seat)} of the ${nameOf(seat.path)}${seat.against === undefined ? '' : `, against the ${nameOf(seat.against)}${seat.movesBoth ? ', which it moves too' : ''}`}.`;
}

/** The drawing's terms as a table: where each sits and its weight. */
export const termTable = (method: MethodData, config: object) => ({
  columns: ['number', 'term', 'weight', 'where'],
  rows: method.terms.map((term, i) => [
    i + 1,
    term.label,
    Number(valueAt(config, term.weight)),
    seatWords(term, method, config),
  ]),
});

/** `1 answer, 2 anchor distance (left out)`: what the numbers in the drawing are. */
export const termLegend = ({ terms }: MethodData, config: object): string =>
  terms.map((term, i) => `${i + 1} ${term.label}${isLeftOut(term, config) ? ' (left out)' : ''}`).join(', ');
