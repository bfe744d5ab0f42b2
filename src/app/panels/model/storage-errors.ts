import { median } from '../../../contract/statistics';
import { STORAGE_SHORT, type StorageErrors } from '../../../contract/weight-storage';

/** A relative error in percent, with two digits. */
export const errorText = (error: number): string => `${Number((100 * error).toPrecision(2))} %`;

/** Of each storage: the error of matrices and of hidden states, the layer where that is largest, and the ranks that differ. */
export const errorRows = ({ storages, reference }: StorageErrors): (readonly string[])[] =>
  storages.map(({ storage, weights, states }) => [
    STORAGE_SHORT[storage],
    weights ? errorText(weights.error) : 'refused',
    ...(states
      ? [
          errorText(states.error),
          states.error === 0 ? 'none' : `${states.largest.layer}: ${errorText(states.largest.error)}`,
          differing(reference?.ranks.flat() ?? [], states.ranks.flat()),
        ]
      : ['not measured', '', '']),
  ]);

/** What has to be said of a storage beside its figures. */
export const storageNotes = ({ storages }: StorageErrors): string[] =>
  storages.flatMap(({ storage, weights, refused }) => [
    ...(refused === undefined
      ? []
      : [`The matrices cannot be kept in ${STORAGE_SHORT[storage]}: ${refused}.`]),
    ...(weights && weights.zeroed > 0
      ? [`In ${STORAGE_SHORT[storage]} ${errorText(weights.zeroed)} of the values become zero.`]
      : []),
  ]);

/** A row for each share of energy: the median rank as the reference has it, and as each storage has it. */
export function rankRows({ storages, reference }: StorageErrors): (readonly string[])[] {
  if (!reference) return [];
  return reference.shares.map((share, i) => {
    const own = reference.ranks[i] as readonly number[];
    return [
      `${Math.round(100 * share)} %`,
      String(median(own)),
      ...storages.map(({ states }) => {
        const ranks = states?.ranks[i];
        return ranks ? `${median(ranks)}, ${differing(own, ranks)}` : 'not measured';
      }),
    ];
  });
}

function differing(own: readonly number[], other: readonly number[]): string {
  const differences = own.map((rank, at) => Math.abs(rank - (other[at] as number)));
  const count = differences.filter((difference) => difference > 0).length;
  return count === 0
    ? 'none differs'
    : `${count} of ${own.length} differ${count === 1 ? 's' : ''}, by at most ${Math.max(...differences)}`;
}
