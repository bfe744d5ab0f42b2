import { useState } from 'react';

/** What several charts know the same thing by: `train-17`, `layer 3`. The panel chooses the words. */
export type HoverKey = string;

/**
 * What is pointed at, shared by the charts it is given to. It lives outside React: a chart restyles its drawing and no
 * component renders again.
 */
export interface HoverLink {
  /** What to highlight: what is pointed at, or else what is held. */
  key(): HoverKey | null;
  /** The mouse is on it; `null` once it has left. */
  point(key: HoverKey | null): void;
  /** Highlighted while nothing is pointed at: for a choice made by keyboard. */
  hold(key: HoverKey | null): void;
  subscribe(listener: () => void): () => void;
}

export function hoverLink(): HoverLink {
  const listeners = new Set<() => void>();
  let pointed: HoverKey | null = null;
  let held: HoverKey | null = null;
  const key = () => pointed ?? held;
  const change = (assign: () => void) => {
    const before = key();
    assign();
    if (key() !== before) for (const listener of [...listeners]) listener();
  };
  return {
    key,
    point(next) {
      change(() => {
        pointed = next;
      });
    },
    hold(next) {
      change(() => {
        held = next;
      });
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** A link for the charts of one component. */
export const useHoverLink = (): HoverLink => useState(hoverLink)[0];
