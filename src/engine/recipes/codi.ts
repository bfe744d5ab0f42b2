import type { ConfigOf } from '../../contract/config';
import { smoothL1Loss } from '../train/losses/smooth-l1';
import { anchorTensor, type Recipe } from './shared/recipe';

/**
 * CODI-style: latents as in LoRi, distilled at one position only: smooth L1 between student and teacher states at the
 * anchor, over the teacher's std (CODI §3.4, its code's scaling). Left out, against CODI: joint training of the teacher
 * (the pair's teacher is fixed), begin- and end-of-thought tokens, the projection of latents.
 */
export const codi: Recipe<ConfigOf<'codi'>> = {
  usesTeacher: true,
  latentSteps: (config) => config.latent.steps,
  stateLosses: (config, model, teacher) => [
    smoothL1Loss(anchorTensor(teacher), config.weights.codi, {
      layers: model.layers,
      hidden: model.hiddenSize,
    }),
  ],
};
