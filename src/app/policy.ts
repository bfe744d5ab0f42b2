import { harmlessMarkup, vouchForOwnScripts } from '../contract/trusted-types';

// Imported before anything else: what the page needs to live under its own security policy.

vouchForOwnScripts(undefined, harmlessMarkup);

// React Aria puts a style element with this id into the head unless it finds one; the policy forbids such an element, and
// base.css has its rule.
const taken = document.createElement('meta');
taken.id = 'react-aria-pressable-style';
document.head.append(taken);
