import { adaptive } from '../recipes/adaptive';
import { ce } from '../recipes/ce';
import { coconut } from '../recipes/coconut';
import { codi } from '../recipes/codi';
import { grpo } from '../recipes/grpo';
import { icot } from '../recipes/icot';
import { lori } from '../recipes/lori';
import { nocot } from '../recipes/nocot';
import type { Recipe } from '../recipes/shared/recipe';

/** By the id of a method's data (contract/methods). */
export const RECIPES: Readonly<Record<string, Recipe>> = {
  lori,
  codi,
  ce,
  nocot,
  coconut,
  icot,
  adaptive,
  grpo,
};
