import { median } from '../../../contract/statistics';
import type { StatesErrors } from '../../../contract/weight-storage';

/** A relative error in percent, with two digits. */
export const errorText = (error: number): string => `${Number((100 * error).toPrecision(2))} %`;

/** A row for each share of energy: median ranks in either storage, and in how many layers they differ, and by how much. */
export const rankRows = ({ ranks }: StatesErrors): (readonly string[])[] =>
  ranks.map(({ share, f32, int8 }) => {
    const differences = f32.map((rank, l) => Math.abs(rank - (int8[l] as number)));
    const differing = differences.filter((difference) => difference > 0).length;
    const most = Math.max(...differences);
    return [
      `${Math.round(100 * share)} %`,
      String(median(f32)),
      String(median(int8)),
      differing === 0 ? 'none' : `${differing} of ${f32.length}, by at most ${most}`,
    ];
  });
