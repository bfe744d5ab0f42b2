import { harmlessMarkup, vouchForOwnScripts } from '../contract/trusted-types';

// Imported before anything else, so that no worker is started and nothing is drawn without it.
vouchForOwnScripts(undefined, harmlessMarkup);
