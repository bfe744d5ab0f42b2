import type { RunConfig } from '../../../contract/config';
import { type Stage, stageAt } from '../../../contract/methods/curriculum';
import { methodOf } from '../../../contract/methods/index';
import { type Methods, runStages } from '../../../contract/methods/method';
import type { Reasoning } from '../../decode/reasoning';
import type { Recipe } from '../../recipes/shared/recipe';
import type { Roles } from '../models/roles';

/** The stages of a run; a single one without a name if the method has no curriculum. */
export function stagesOf(config: RunConfig, methods: Methods): readonly Stage[] {
  const known = runStages(methodOf(config.method, methods), config);
  return known.length > 0 ? known : [{ name: '', from: 0 }];
}

/** How the student that a stage trains reasons. */
export const reasoningIn = (recipe: Recipe, config: RunConfig, roles: Roles, stage: number): Reasoning =>
  recipe.reasoning(config, roles.student.config, { stage, endId: roles.codec.endId });

/** How a student reasons after that many steps of its run: as in the stage of the last one. */
export const reasoningAfter = (
  recipe: Recipe,
  config: RunConfig,
  { roles, methods, step }: { readonly roles: Roles; readonly methods: Methods; readonly step: number },
): Reasoning => reasoningIn(recipe, config, roles, stageAt(stagesOf(config, methods), Math.max(0, step - 1)));
