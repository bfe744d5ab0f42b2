import { standalone } from './drawing';
import { FONT } from './figure';
import { paper, type ThemeName } from './look';
import { loadPlotly } from './plotly';

/** Text of an image besides the drawing. */
export interface Caption {
  readonly title: string;
  readonly source: string;
  readonly theme: ThemeName;
}

/** Pixels of the narrowest image. */
const NARROWEST = 720;
const TITLE = 34;
const LINE = 15;
const EDGE = 12;
/** Pixels in an image per pixel on the page. */
const DENSITY = 2;

/** The chart as a file, as currently zoomed and turned, with its title above and its source below. */
export async function imageOf(
  element: HTMLDivElement,
  format: 'svg' | 'png',
  { height, ...caption }: Caption & { readonly height: number },
): Promise<string | Blob> {
  const plotly = await loadPlotly();
  const width = Math.max(NARROWEST, element.clientWidth);
  const url = await plotly.toImage(element, { format: 'svg', width, height, scale: 1 });
  const drawing = decodeURIComponent(url.slice(url.indexOf(',') + 1));
  const image = captioned(drawing, width, height, caption);
  return format === 'svg' ? image.svg : rasterised(image);
}

/** A drawing of the page that is no chart, whole and as it is shown, with its title above and its source below. */
export async function imageOfDrawing(
  drawing: SVGSVGElement,
  format: 'svg' | 'png',
  caption: Caption,
): Promise<string | Blob> {
  const { width, height } = drawing.viewBox.baseVal;
  const image = captioned(standalone(drawing), Math.max(NARROWEST, width), height, caption);
  return format === 'svg' ? image.svg : rasterised(image);
}

interface Image {
  readonly svg: string;
  readonly width: number;
  readonly height: number;
}

/** The drawing, an SVG document of width × height, with title and source around it. */
export function captioned(drawing: string, width: number, height: number, caption: Caption): Image {
  const { ground, text, muted } = paper[caption.theme];
  const lines = caption.source === '' ? [] : linesOf(caption.source, Math.floor((width - 2 * EDGE) / 6));
  const whole = TITLE + height + (lines.length > 0 ? lines.length * LINE + EDGE : 0);
  const font = escaped(FONT);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="${width}" height="${whole}" viewBox="0 0 ${width} ${whole}" role="img">`,
    `<title>${escaped(caption.title)}</title>`,
    ...(caption.source === '' ? [] : [`<desc>${escaped(caption.source)}</desc>`]),
    `<rect width="${width}" height="${whole}" fill="${ground}"/>`,
    `<text x="${EDGE}" y="22" font-family="${font}" font-size="15" font-weight="600" fill="${text}">${escaped(caption.title)}</text>`,
    `<g transform="translate(0,${TITLE})">${drawing}</g>`,
    ...lines.map(
      (line, i) =>
        `<text x="${EDGE}" y="${TITLE + height + (i + 1) * LINE}" font-family="${font}" font-size="11" fill="${muted}">${escaped(line)}</text>`,
    ),
    '</svg>',
  ];
  return { svg: parts.join(''), width, height: whole };
}

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** Lines of at most `room` characters, broken between words where there are any. */
export function linesOf(text: string, room: number): string[] {
  const lines: string[] = [];
  let rest = text.trim();
  while (rest.length > room) {
    const space = rest.lastIndexOf(' ', room);
    const end = space > 0 ? space : room;
    lines.push(rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
  return rest === '' ? lines : [...lines, rest];
}

async function rasterised({ svg, width, height }: Image): Promise<Blob> {
  const url = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
  try {
    const image = new Image(width, height);
    image.src = url;
    await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = width * DENSITY;
    canvas.height = height * DENSITY;
    canvas.getContext('2d')!.drawImage(image, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/png'));
    if (!blob) throw new Error(`the browser made no PNG of ${canvas.width} × ${canvas.height} pixels`);
    return blob;
  } finally {
    URL.revokeObjectURL(url);
  }
}
