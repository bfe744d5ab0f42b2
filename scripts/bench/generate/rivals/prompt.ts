/** What every engine continues. */
export const PROMPT = 'Tom has 12 apples and gives 3 of them to Ann . How many apples does he have left ?';
