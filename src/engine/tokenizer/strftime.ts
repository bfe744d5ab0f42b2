/** Formats dates like Python's `strftime`, for templates that put the date into a prompt. */
import { TemplateError } from './jinja-check';

const MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
);
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');
const two = (n: number): string => String(n).padStart(2, '0');

const FIELDS: Readonly<Record<string, (date: Date) => string>> = {
  Y: (d) => String(d.getFullYear()),
  m: (d) => two(d.getMonth() + 1),
  d: (d) => two(d.getDate()),
  B: (d) => MONTHS[d.getMonth()] as string,
  b: (d) => (MONTHS[d.getMonth()] as string).slice(0, 3),
  A: (d) => DAYS[d.getDay()] as string,
  a: (d) => (DAYS[d.getDay()] as string).slice(0, 3),
  H: (d) => two(d.getHours()),
  M: (d) => two(d.getMinutes()),
  S: (d) => two(d.getSeconds()),
  '%': () => '%',
};

/** In local time. @throws TemplateError for a field that no template of the supported families uses */
export function strftime(date: Date, format: string): string {
  return format.replace(/%(.)/gsu, (_, field: string) => {
    const write = Object.hasOwn(FIELDS, field) ? FIELDS[field] : undefined;
    if (write === undefined) throw new TemplateError(`writes a date with %${field}, which is not supported`);
    return write(date);
  });
}
