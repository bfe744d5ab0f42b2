import type { RunConfig } from '../../../contract/config';
import { layoutOf } from '../../data/batch';
import { explicitly, type Reasoning } from '../../decode/reasoning';
import type { Runtime } from '../../runtime/runtime';
import { answeredAtOnce } from '../models/fits';
import type { Roles } from '../models/roles';
import { explicitSizes } from './explicit-accuracy';
import type { RunData } from './run-data';
import { capacityFor, checkDecoding, EVALUATION_BATCH } from './student';
import { teacherSizes } from './teacher-accuracy';

/**
 * With what sizes the run decodes, as many problems at once as fit; idle if it decodes nothing. All that it will measure is
 * checked, so that nothing is refused after it has trained.
 * @throws MemoryError if not even one problem fits, InputError beyond the models' positions
 */
export function decodedSizes(
  { runtime: { provider }, roles }: { readonly runtime: Pick<Runtime, 'provider'>; readonly roles: Roles },
  config: RunConfig,
  { training, validation, heldOut }: RunData,
  reasonings: readonly Reasoning[],
) {
  const { student, codec } = roles;
  const evaluated = [...validation, ...heldOut];
  // The first training samples are observed; without problems to evaluate on, nothing else is decoded.
  const observed = training.slice(0, config.observation.samples);
  const most = Math.min(EVALUATION_BATCH, evaluated.length || observed.length);
  const layout = layoutOf(
    [...evaluated, ...observed].map(({ tokens }) => tokens),
    codec,
    most,
  );
  const capacity = Math.max(...reasonings.map((each) => capacityFor(layout, each)));
  const written = explicitly(reasonings.at(-1));
  const { explicit } = config.evaluation;
  checkDecoding(student, capacity);
  if (explicit) checkDecoding(student, capacityFor(layout, written));
  if (evaluated.length === 0 && config.observation.every === 0)
    return { decoded: layout, capacity, isIdle: true };
  const room = { most, tokens: capacity };
  const batch = answeredAtOnce(student.config, provider, room, 'answering during the run');
  const decoded = { ...layout, batch };
  if (heldOut.length > 0) {
    if (explicit) explicitSizes(provider, student, decoded, written);
    teacherSizes(provider, roles, { heldOut });
  }
  return { decoded, capacity, isIdle: false };
}
