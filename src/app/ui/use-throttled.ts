import { useEffect, useRef, useState } from 'react';

/** The value as it was at most `interval` milliseconds ago; once it rests, as it is. */
export function useThrottled<T>(value: T, interval: number): T {
  const [shown, setShown] = useState(value);
  const changedAt = useRef(0);
  useEffect(() => {
    const show = () => {
      changedAt.current = performance.now();
      setShown(value);
    };
    const rest = changedAt.current + interval - performance.now();
    if (rest <= 0) {
      show();
      return;
    }
    const timer = setTimeout(show, rest);
    return () => clearTimeout(timer);
  }, [value, interval]);
  return shown;
}
