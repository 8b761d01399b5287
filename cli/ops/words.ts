import { dayMs, hourMs, minuteMs, secondMs } from '../../domain/time.ts';

/** How long ago a moment is, short enough for a column: `40 s`, `12 min`, `3 h`, `2 d`. */
export function ageInWords(moment: string): string {
  const ageMs = Math.max(0, Date.now() - Date.parse(moment));
  if (ageMs < minuteMs) return `${Math.floor(ageMs / secondMs)} s`;
  if (ageMs < hourMs) return `${Math.floor(ageMs / minuteMs)} min`;
  if (ageMs < dayMs) return `${Math.floor(ageMs / hourMs)} h`;
  return `${Math.floor(ageMs / dayMs)} d`;
}
