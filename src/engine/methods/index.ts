import type { Method } from '../../contract/config';
import { ce } from '../recipes/ce';
import { codi } from '../recipes/codi';
import { lori } from '../recipes/lori';
import { nocot } from '../recipes/nocot';
import type { Recipe } from '../recipes/shared/recipe';

export const RECIPES: Readonly<Record<Method, Recipe>> = { lori, codi, ce, nocot };
