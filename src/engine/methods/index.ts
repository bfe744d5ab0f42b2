import { adaptive } from '../recipes/adaptive';
import { ce } from '../recipes/ce';
import { coconut } from '../recipes/coconut';
import { codi } from '../recipes/codi';
import { codiSelf } from '../recipes/codi-self';
import { cotSft } from '../recipes/cot-sft';
import { dart } from '../recipes/dart';
import { grpo } from '../recipes/grpo';
import { icot } from '../recipes/icot';
import { kava } from '../recipes/kava';
import { lori } from '../recipes/lori';
import { lotus } from '../recipes/lotus';
import { nocot } from '../recipes/nocot';
import { pauseFt } from '../recipes/pause-ft';
import { pccot } from '../recipes/pccot';
import type { Recipe } from '../recipes/shared/recipe';
import { simCot } from '../recipes/sim-cot';

/** By the id of a method's data (contract/methods). */
export const RECIPES: Readonly<Record<string, Recipe>> = {
  ...{ lori, codi, pccot, kava, dart, lotus, coconut, icot, adaptive, grpo, ce, nocot },
  'codi-self': codiSelf,
  'cot-sft': cotSft,
  'pause-ft': pauseFt,
  'sim-cot': simCot,
};
