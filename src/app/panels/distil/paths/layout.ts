import { idlePaths, isLeftOut } from '../../../../contract/methods/idle';
import { type MethodData, methodPaths, seatOf } from '../../../../contract/methods/method';
import {
  type MethodPath,
  type PartKind,
  type PathPart,
  PLACES,
  type Place,
  type TermSeat,
} from '../../../../contract/methods/paths';

/** Where everything of a method's drawing is, in pixels; what is not computed, because of weights of 0, is `isIdle`. */
export interface PathDrawing {
  readonly width: number;
  readonly height: number;
  readonly paths: readonly DrawnPath[];
  readonly marks: readonly DrawnMark[];
  readonly links: readonly DrawnLink[];
}

export interface DrawnPath {
  readonly id: string;
  readonly label: string;
  /** Model and adapters, in words. */
  readonly by: string;
  readonly y: number;
  readonly isIdle: boolean;
  readonly boxes: readonly DrawnBox[];
}

export interface DrawnBox {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly label: string;
  readonly made: string | undefined;
  readonly kind: PartKind;
}

/** The number of a term where it sits. */
export interface DrawnMark {
  readonly number: number;
  readonly term: string;
  readonly x: number;
  readonly y: number;
  readonly isIdle: boolean;
}

/** From a distance's term to the states that it is measured from. */
export interface DrawnLink {
  readonly term: string;
  readonly x: number;
  readonly from: number;
  readonly to: number;
  /** Whether no gradient goes on at its end. */
  readonly stops: boolean;
  readonly isIdle: boolean;
}

export const BOX = 40;
export const MARK = 10;
/** The title of a path, and below it the ends of lines that lead to its boxes. */
const TITLE = 32;
const BELOW_TITLE = 16;
/** Below the boxes of a path: its marks, and the way to the next path. */
const BELOW = 38;
const MARGIN = 12;
const GAP = 18;
/** From one mark to the next. */
const STEP = 2 * MARK + 6;
/** Average advance of a character at 12 and at 10.5 pixels, with room for wider fonts. */
const [LABEL, NOTE] = [6.9, 6];
const PAD = 20;
const LEAST = 58;

const widthOf = ({ label, made = '' }: { readonly label: string; readonly made?: string }): number =>
  Math.max(LEAST, Math.ceil(Math.max(label.length * LABEL, made.length * NOTE)) + PAD);

/** Of parts beside each other. */
const lengthOf = (parts: readonly PathPart[]): number =>
  parts.reduce((sum, part) => sum + widthOf(part), 0) + GAP * Math.max(0, parts.length - 1);

/** `base model with LoRA`, `teacher model, nothing trained`. */
export const modelWords = ({ model, adapters }: Pick<MethodPath, 'model' | 'adapters'>): string => {
  const of = model === 'base as the stage began' ? 'the student as the stage began' : `${model} model`;
  return adapters.length > 0 ? `${of} with ${adapters.join(' and ')}` : `${of}, nothing trained`;
};

/** @throws Error for a term on a path that the method does not have: a bug in its data */
export function drawPaths(method: MethodData, config: object): PathDrawing {
  const paths = methodPaths(method, config);
  const idle = idlePaths(method, config);
  const columns = columnsOf(paths, marksBelow(method, config));
  const tops = paths.map((_, row) => MARGIN + row * (TITLE + BOX + BELOW) + TITLE);
  const topOf = (id: string): number => {
    const top = tops[paths.findIndex((path) => path.id === id)];
    if (top === undefined) throw new Error(`${method.id} has no path ${JSON.stringify(id)}`);
    return top;
  };

  const seats = method.terms.map((term) => seatOf(term, config));
  /** Where the mark of a term is, among those below the same parts of its path, which are centred. */
  const xOf = (i: number, place: Place): number => {
    const { path: id, on } = seats[i] as TermSeat;
    const all = seats.flatMap((one, j) =>
      one.path === id && one.at.includes(place) && one.on === on ? [j] : [],
    );
    const path = paths.find((one) => one.id === id) as MethodPath;
    return centreOf(path, place, on, columns[place]) + (all.indexOf(i) - (all.length - 1) / 2) * STEP;
  };
  const marks: DrawnMark[] = [];
  const links: DrawnLink[] = [];
  method.terms.forEach((term, i) => {
    const { path, at, against, movesBoth = false } = seats[i] as TermSeat;
    const isIdle = isLeftOut(term, config);
    for (const place of at) {
      const x = xOf(i, place);
      const y = topOf(path) + BOX + MARK + 4;
      marks.push({ number: i + 1, term: term.name, x, y, isIdle });
      if (against === undefined) continue;
      const isBelow = topOf(against) > topOf(path);
      const to = isBelow ? topOf(against) : topOf(against) + BOX;
      links.push({
        term: term.name,
        x,
        from: isBelow ? y + MARK : topOf(path),
        to,
        stops: !movesBoth,
        isIdle,
      });
    }
  });

  const { x, width } = columns.answer;
  return {
    width: x + width + MARGIN,
    height: MARGIN + paths.length * (TITLE + BOX + BELOW),
    paths: paths.map((path, row) => ({
      ...{ id: path.id, label: path.label, by: modelWords(path), isIdle: idle.has(path.id) },
      y: (tops[row] as number) - BELOW_TITLE,
      boxes: boxesOf(path, columns, tops[row] as number),
    })),
    marks,
    links,
  };
}

/** The middle of the column, or of its parts of one kind. */
function centreOf({ parts }: MethodPath, place: Place, on: PartKind | undefined, column: Column): number {
  const boxes = placeBoxes(
    parts.filter((part) => part.place === place),
    column,
  ).filter(({ kind }) => kind === on);
  const [first, last] = [boxes[0], boxes.at(-1)];
  return first && last ? (first.x + last.x + last.width) / 2 : column.x + column.width / 2;
}

type Column = Columns[Place];
/** `marks`: how wide those below it are. */
type Columns = Readonly<Record<Place, Readonly<Record<'x' | 'width' | 'marks', number>>>>;

/** Marks below a place, in the path that has most of them. */
function marksBelow(method: MethodData, config: object): (place: Place) => number {
  const seats = method.terms.map((term) => seatOf(term, config));
  return (place) =>
    Math.max(
      0,
      ...seats.map(({ path }) => seats.filter((one) => one.path === path && one.at.includes(place)).length),
    );
}

/** Every place has its column, as wide as the widest of its parts in a path, and as its marks. */
function columnsOf(paths: readonly MethodPath[], marks: (place: Place) => number): Columns {
  let x = MARGIN;
  return Object.fromEntries(
    PLACES.map((place) => {
      const widths = paths.map(({ parts }) => lengthOf(parts.filter((part) => part.place === place)));
      const below = STEP * marks(place);
      const column = { x, width: Math.max(0, below, ...widths), marks: below };
      x += column.width + (column.width > 0 ? GAP : 0);
      return [place, column];
    }),
  ) as Columns;
}

/** The parts of each place in turn. */
const boxesOf = ({ parts }: MethodPath, columns: Columns, y: number): DrawnBox[] =>
  PLACES.flatMap((place) =>
    placeBoxes(
      parts.filter((part) => part.place === place),
      columns[place],
    ).map((box) => ({ ...box, y })),
  );

/** Parts beside each other, centred in their column. */
function placeBoxes(
  parts: readonly PathPart[],
  { x: from, width: room, marks }: Column,
): Omit<DrawnBox, 'y'>[] {
  // One alone is as wide as its marks.
  const widths = parts.map((part) => (parts.length === 1 ? Math.max(widthOf(part), marks) : widthOf(part)));
  const length = widths.reduce((sum, width) => sum + width, 0) + GAP * Math.max(0, parts.length - 1);
  let x = from + (room - length) / 2;
  return parts.map((part, i) => {
    const width = widths[i] as number;
    const box = { x, width, label: part.label, made: part.made, kind: part.kind };
    x += width + GAP;
    return box;
  });
}
