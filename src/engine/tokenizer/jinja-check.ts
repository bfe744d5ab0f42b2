/** Checks what a template contains before any of it is run. */

/** Why a template is refused, in words that follow "the template". */
export class TemplateError extends Error {
  override name = 'TemplateError';
}

/** Maximum number of characters; the longest templates in use have some 20,000. */
const MAX_SOURCE = 2 ** 17;
const MAX_NESTING = 100;
/** Maximum length of a text that is inserted once per match or item. */
const MAX_INSERTED = 256;
const MAX_INDENT = 64;

function source(template: string): void {
  if (template.length > MAX_SOURCE)
    throw new TemplateError(`has ${template.length} characters; at most ${MAX_SOURCE} are read`);
  let depth = 0;
  for (const char of template) {
    if ('([{'.includes(char)) depth++;
    else if (')]}'.includes(char)) depth = Math.max(0, depth - 1);
    if (depth > MAX_NESTING) throw new TemplateError(`nests brackets more than ${MAX_NESTING} deep`);
  }
}

type Node = Readonly<Record<string, unknown>>;
const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value;

/** The argument that a function repeats, which must therefore be short and a literal. */
const REPEATED: Readonly<Record<string, { readonly at: number; readonly name: string }>> = {
  replace: { at: 1, name: 'new' },
  join: { at: 0, name: 'd' },
  indent: { at: 0, name: 'width' },
  tojson: { at: -1, name: 'indent' },
};

function program(root: unknown): void {
  const open: { readonly value: unknown; readonly depth: number }[] = [{ value: root, depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, depth } = next;
    if (depth > 4 * MAX_NESTING) throw new TemplateError(`nests parts more than ${4 * MAX_NESTING} deep`);
    if (isNode(value) && value.type === 'CallExpression') call(value);
    const inner =
      value instanceof Map
        ? [...value.keys(), ...value.values()]
        : isNode(value) || Array.isArray(value)
          ? Object.values(value)
          : [];
    for (const part of inner)
      if (typeof part === 'object' && part !== null) open.push({ value: part, depth: depth + 1 });
  }
}

/** `x.replace(a, b)`, or `x | replace(a, b)`. */
function call(node: Node): void {
  const callee = node.callee as Node;
  const name = (callee.type === 'MemberExpression' ? (callee.property as Node) : callee).value;
  if (typeof name !== 'string' || !Object.hasOwn(REPEATED, name)) return;
  const rule = REPEATED[name] as (typeof REPEATED)[string];
  const args = (node.args as Node[]) ?? [];
  const keyword = args.find(
    (arg) => arg.type === 'KeywordArgumentExpression' && (arg.key as Node).value === rule.name,
  );
  const plain = args.filter((arg) => arg.type !== 'KeywordArgumentExpression');
  const arg = (keyword?.value as Node | undefined) ?? plain[rule.at];
  if (args.some(({ type }) => type === 'SpreadExpression') || (arg !== undefined && !isShort(arg)))
    throw new TemplateError(
      `gives ${name} something other than a text of at most ${MAX_INSERTED} characters or a number up to ${MAX_INDENT}, written out`,
    );
}

const isShort = ({ type, value }: Node): boolean =>
  (type === 'StringLiteral' && (value as string).length <= MAX_INSERTED) ||
  (type === 'IntegerLiteral' && (value as number) <= MAX_INDENT) ||
  type === 'BooleanLiteral';

export const checkTemplate = { source, program };
