import { useState } from 'react';

/** A key shared by several charts: `train-17`, `layer 3`. The panel chooses the words. */
export type HoverKey = string;

/**
 * What is pointed at, shared by linked charts. It lives outside React: charts restyle their drawings without rendering any
 * component again.
 */
export interface HoverLink {
  /** What to highlight: what is pointed at, or otherwise what is held. */
  key(): HoverKey | null;
  /** Sets what the mouse is on; `null` once it has left. */
  point(key: HoverKey | null): void;
  /** Sets what is highlighted while nothing is pointed at, for choices made by keyboard. */
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
