/** The loss terms, as the kept series name them. */
export { TERMS, type Term } from '../../storage/series';
